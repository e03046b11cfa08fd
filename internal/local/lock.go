package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrLocked means that another cluster uses the data directory.
var ErrLocked = errors.New("data directory is in use by another hachi")

// holderOf says how to stop the cluster on a data directory, or to pass it by.
func holderOf(dir string) string {
	const other = "choose another --listen and --data-dir"
	run, err := ReadRunFile(dir)
	if err != nil {
		return ", which is starting or stopping: wait for it, or " + other
	}
	return fmt.Sprintf(", which serves at %s: stop it with `kill %d`, or %s", run.URL, run.PID, other)
}

// lockDir takes the data directory for this process; the kernel gives it back
// when the process ends, however it ends.
func lockDir(dir string) (*os.File, error) {
	if err := ownDir(dir); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w%s", dir, ErrLocked, holderOf(dir))
		}
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return f, nil
}
