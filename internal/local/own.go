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
// there: another user who owns it, or put a link in its place, would read keys and
// choose what the cluster runs with.
func ownDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := checkOwner(dir); err != nil {
		return err
	}
	for _, name := range []string{"certs", "config", "etcd", "logs", "state", "lock", runFileName, nameFile} {
		if err := checkOwner(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Chmod(dir, 0o700)
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
