package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// UserDir is where hachi keeps the files of this user: in the user's cache, or in
// the directory for temporary files if the user has no home directory, or one that
// cannot be written. It makes only the latter.
func UserDir() (dir string, temporary bool, err error) {
	cache, err := os.UserCacheDir()
	if err == nil && (os.Getenv("XDG_CACHE_HOME") != "" || canMake(cache)) {
		return filepath.Join(cache, "hachi"), false, nil
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

// canMake reports whether a directory can be made, or written if it is there.
func canMake(dir string) bool {
	for {
		err := unix.Access(dir, unix.W_OK)
		parent := filepath.Dir(dir)
		if !errors.Is(err, unix.ENOENT) || parent == dir {
			return err == nil
		}
		dir = parent
	}
}

// DataDir is where `hachi up` keeps the data of the cluster that listens on
// the address, unless configured otherwise.
func DataDir(listen string) (string, error) { return inUserDir("up-" + listen) }

// ModelsDir is where the models that hachi brings along are kept: in the user's
// cache, or in the data directory of a user without one.
func ModelsDir(dataDir string) string {
	dir, temporary, err := UserDir()
	if err != nil || temporary {
		dir = dataDir
	}
	return filepath.Join(dir, "models")
}

func inUserDir(path ...string) (string, error) {
	dir, _, err := UserDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(append([]string{dir}, path...)...), nil
}
