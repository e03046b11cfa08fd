package local

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// UserDir is where hachi keeps the files of this user: in the user's cache, and,
// for a user without a home directory that can be written, in the directory for
// temporary files. It makes the directory.
func UserDir() (dir string, temporary bool, err error) {
	if cache, err := os.UserCacheDir(); err == nil {
		dir := filepath.Join(cache, "hachi")
		if os.MkdirAll(dir, 0o755) == nil && unix.Access(dir, unix.W_OK) == nil {
			return dir, false, nil
		}
	}
	dir = filepath.Join(os.TempDir(), "hachi-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", true, fmt.Errorf("neither a home directory nor a temporary one can be written: %w", err)
	}
	// Anybody may make a directory there.
	var info unix.Stat_t
	if err := unix.Lstat(dir, &info); err != nil || info.Mode&unix.S_IFMT != unix.S_IFDIR || int(info.Uid) != os.Getuid() {
		return "", true, fmt.Errorf("%s is not a directory of this user: set HOME", dir)
	}
	return dir, true, nil
}

// DataDir is where `hachi up` keeps the data of the cluster that listens on
// the address, unless configured otherwise.
func DataDir(listen string) (string, error) { return inUserDir("up-" + listen) }

// ModelsDir is where the models that hachi brings along are kept: among the user's
// files, or in the data directory of a user without any.
func ModelsDir(dataDir string) string {
	dir, err := inUserDir("models")
	if err != nil {
		return filepath.Join(dataDir, "models")
	}
	return dir
}

func inUserDir(path ...string) (string, error) {
	dir, _, err := UserDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(append([]string{dir}, path...)...), nil
}
