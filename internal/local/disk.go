package local

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// errDiskFull means that a disk has no room for what a cluster writes.
var errDiskFull = errors.New("the disk is full")

// minFree is what etcd needs on a disk: a segment of its log, and little more.
const minFree = 66 << 20

// diskFull returns an error when the disk of dir has no room for etcd, by bytes or
// by files. What cannot be asked is not full.
func diskFull(dir string) error {
	var disk unix.Statfs_t
	if unix.Statfs(dir, &disk) != nil {
		return nil
	}
	free := uint64(disk.Bavail) * uint64(disk.Bsize)
	switch {
	case free < minFree:
		return fmt.Errorf("%w: %s has %.1f MiB left, and etcd needs %d; free some space, or choose another directory with --data-dir",
			errDiskFull, dir, float64(free)/(1<<20), minFree>>20)
	case disk.Files > 0 && disk.Ffree == 0:
		return fmt.Errorf("%w: %s can hold no more files; remove some, or choose another directory with --data-dir", errDiskFull, dir)
	}
	return nil
}

// explainDisk names the directory when a write failed for want of room.
func explainDisk(err error, dir string) error {
	if err == nil || errors.Is(err, errDiskFull) {
		return err
	}
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%w: %s: %w; free some space, or choose another directory with --data-dir", errDiskFull, dir, err)
	}
	return err
}
