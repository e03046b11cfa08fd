package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ownDir makes a directory that only this user may read, or checks one that is
// there: another user who owns it or something in it, or put a link there, would read keys
// and choose what the cluster runs with and which files it overwrites.
func ownDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := checkOwner(dir); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o700); err != nil { // no other user puts anything there from now on
		return err
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("data directory: %w", err)
		}
		if err := checkOwner(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // it may be removed meanwhile
			return err
		}
		return nil
	})
}

// checkOwner refuses what is a link, and what belongs to another user.
func checkOwner(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("%s is a symbolic link: name the directory that it leads to with --data-dir, or remove the link", path)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Getuid() {
		return fmt.Errorf("%s belongs to user %d, and this is user %d: choose another directory with --data-dir", path, stat.Uid, os.Getuid())
	}
	return nil
}
