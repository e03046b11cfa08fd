package staging

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Dir is a directory to be.
type Dir struct {
	target string
	work   string
}

// New starts a directory that will appear as target, which must not exist or be
// empty. Its parents are made.
func New(target string) (*Dir, error) {
	target, err := filepath.Abs(target)
	if err != nil {
		return nil, err
	}
	work, err := workDir(target)
	if err != nil {
		return nil, err
	}
	return &Dir{target: target, work: work}, nil
}

// workDir makes the directory to write in: beside target, or inside it when it
// exists, because it may be a mount point.
func workDir(target string) (string, error) {
	entries, err := os.ReadDir(target)
	if err == nil && len(entries) > 0 {
		return "", fmt.Errorf("%s is not empty (it holds %s): choose another directory", target, entries[0].Name())
	}
	if err == nil {
		return os.MkdirTemp(target, ".partial-*")
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	parent, name := filepath.Split(target)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(parent, "."+name+"-*")
}

// Path is where a file of the directory is written until Publish.
func (d *Dir) Path(name string) string { return filepath.Join(d.work, name) }

// Discard removes what was written and not published.
func (d *Dir) Discard() error { return os.RemoveAll(d.work) }

// Publish makes the files appear in the target.
func (d *Dir) Publish() error {
	if filepath.Dir(d.work) != d.target {
		return errors.Join(os.Chmod(d.work, 0o755), os.Rename(d.work, d.target))
	}
	entries, err := os.ReadDir(d.work)
	if err != nil {
		return err
	}
	const last = "config.json" // without it a directory is no checkpoint
	for _, e := range entries {
		if e.Name() != last {
			err = errors.Join(err, os.Rename(d.Path(e.Name()), filepath.Join(d.target, e.Name())))
		}
	}
	if err == nil {
		err = os.Rename(d.Path(last), filepath.Join(d.target, last))
	}
	return errors.Join(err, os.Remove(d.work))
}
