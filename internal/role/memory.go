package role

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// minHeap is what a process needs beside its caches to serve at all.
const minHeap = 64 << 20

// limitProcess bounds the memory of the process, of which reserved bytes are outside of
// the Go heap, and keeps that memory out of files.
func (c ClusterConfig) limitProcess(reserved int64) error {
	return errors.Join(c.forbidCoreDumps(), c.limitHeap(reserved))
}

// limitHeap bounds the memory of the Go runtime by the limit of the container: the
// collector works harder before the kernel kills the process. reserved bytes are
// outside the Go heap. GOMEMLIMIT in the environment wins. Mapped weights count for
// the container too, but the kernel drops their pages first.
// A process that holds several roles is the importer's, and so is its memory.
func (c ClusterConfig) limitHeap(reserved int64) error {
	if c.InProcess != nil || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	container, err := memlimit.FromCgroup()
	switch {
	case errors.Is(err, memlimit.ErrNoLimit), errors.Is(err, memlimit.ErrNoCgroup), errors.Is(err, memlimit.ErrCgroupsNotSupported), errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		c.Logger.Info("the memory limit of the container is unknown", "error", err)
		return nil
	}
	heap, err := heapLimit(container, reserved)
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(heap)
	c.Logger.Info("limited the memory of the Go runtime", "bytes", heap, "container", container, "reserved", reserved)
	return nil
}

// heapLimit leaves a tenth of what is not reserved to stacks of C, page tables and
// the pages of weights that are in use.
func heapLimit(container uint64, reserved int64) (int64, error) {
	limit := int64(min(container, 1<<62)) - reserved
	if reserved == 0 && limit < minHeap {
		return 0, &ConfigError{Err: fmt.Errorf("this container has %d bytes: at least %d are needed, choose a larger limit", container, minHeap)}
	}
	if limit < minHeap {
		return 0, &ConfigError{Err: &FieldError{Field: "serving.kvCacheMemory", Err: fmt.Errorf(
			"%d bytes do not fit the %d bytes of this container: %d more are needed, choose a smaller cache or a larger limit", reserved, container, minHeap-limit)}}
	}
	return limit / 10 * 9, nil
}
