package role

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// forbidCoreDumps keeps prompts, answers and keys, which are in the memory of a
// process, out of files that a crash would write. A process that holds several roles
// is the importer's.
func (c ClusterConfig) forbidCoreDumps() error {
	if c.InProcess != nil {
		return nil
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	return nil
}
