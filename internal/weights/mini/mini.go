package mini

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/weights/staging"
)

// Name is the name under which the model is served.
const Name = "hachi-mini"

// ErrAbsent means that the program was built with the tag nomini.
var ErrAbsent = errors.New("this hachi was built without hachi-mini (build tag nomini)")

// file is one file of the checkpoint.
type file struct {
	name    string
	content []byte
}

// files lists the checkpoint by name.
func files() ([]file, error) {
	const root = "model"
	entries, err := embedded.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrAbsent
	}
	if err != nil {
		return nil, err
	}
	out := make([]file, len(entries))
	for i, e := range entries {
		content, err := embedded.ReadFile(root + "/" + e.Name())
		if err != nil {
			return nil, err
		}
		out[i] = file{e.Name(), content}
	}
	return out, nil
}

// version names the content of the files.
func version(files []file) string {
	all := sha256.New()
	for _, f := range files {
		sum := sha256.Sum256(f.content)
		fmt.Fprintf(all, "%s %x\n", f.name, sum)
	}
	return hex.EncodeToString(all.Sum(nil)[:8])
}

// Write writes the checkpoint to dir, which must not exist or be empty, and
// appears whole or not at all.
func Write(dir string) error {
	all, err := files()
	if err != nil {
		return err
	}
	return write(dir, all)
}

// Ensure writes the checkpoint to dir unless dir holds it already.
func Ensure(dir string) error {
	all, err := files()
	if err != nil {
		return err
	}
	if isWhole(dir, all) {
		return nil
	}
	return write(dir, all)
}

func write(dir string, all []file) (err error) {
	work, err := staging.New(dir)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, work.Discard())
		}
	}()
	for _, f := range all {
		if err := os.WriteFile(work.Path(f.name), f.content, 0o644); err != nil {
			return err
		}
	}
	return work.Publish()
}

// Dir is the directory to which Install writes the checkpoint under root, one
// for each version of the model.
func Dir(root string) (string, error) {
	all, err := files()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, version(all), Name), nil
}

// Install makes sure that Dir(root) holds the whole checkpoint.
func Install(root string) (dir string, err error) {
	all, err := files()
	if err != nil {
		return "", err
	}
	parent := filepath.Join(root, version(all))
	dir = filepath.Join(parent, Name)
	if isWhole(dir, all) { // the usual case writes nothing, and works where nothing can be written
		return dir, nil
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(parent, "lock"))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if isWhole(dir, all) { // another process was first
		return dir, nil
	}
	return dir, replace(dir, all)
}

// replace writes dir, and removes what an interrupted write or a user left. It
// is called under the lock.
func replace(dir string, all []file) error {
	partial, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "."+Name+"-*"))
	if err != nil {
		return err
	}
	for _, path := range append(partial, dir) {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return write(dir, all)
}

// isWhole reports that dir holds every file with its content. Reading 28 MB
// takes some ten milliseconds, and finds what a crash of the machine left half
// written.
func isWhole(dir string, all []file) bool {
	for _, f := range all {
		content, err := os.ReadFile(filepath.Join(dir, f.name))
		if err != nil || !bytes.Equal(content, f.content) {
			return false
		}
	}
	return true
}

// lock waits until this process is the only one that holds the file. The kernel
// gives the lock back when the process ends, however it ends.
func lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err == nil {
			return f.Close, nil
		}
		if !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
	}
}
