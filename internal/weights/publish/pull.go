package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/source"
)

// stride is how much is fetched at once, in bytes.
const stride = 16 << 20

// maxText bounds a file that is no weights, in bytes.
const maxText = 64 << 20

// Pull copies a model from elsewhere to a directory, and verifies every tensor. A copy
// that was cut is continued.
func Pull(ctx context.Context, from *source.Model, dir string, progress Progress) error {
	c, err := checkpoint.OpenRemote(ctx, from)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
		return fmt.Errorf("%s holds a model already: choose another directory", dir)
	}
	names, done, total := c.FileNames(), int64(0), int64(0)
	sizes := map[string]int64{}
	for _, name := range names {
		if sizes[name], err = from.Size(ctx, name); err != nil {
			return err
		}
		total += sizes[name]
	}
	for _, name := range names {
		skipped, err := fetch(ctx, from, name, sizes[name], filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if done += sizes[name]; progress != nil {
			progress(name, skipped, done, total)
		}
	}
	return finish(ctx, from, c, dir)
}

// fetch copies a file of weights, after what has arrived before.
func fetch(ctx context.Context, from *source.Model, name string, size int64, path string) (skipped bool, err error) {
	if info, err := os.Stat(path); err == nil && info.Size() == size {
		return true, nil
	}
	f, err := os.OpenFile(path+".partial", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return false, err
	}
	defer f.Close()
	at, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return false, err
	}
	buffer := make([]byte, min(size, stride))
	for ; at < size; at += int64(len(buffer)) {
		buffer = buffer[:min(size-at, int64(len(buffer)))]
		if err := from.ReadAt(ctx, name, buffer, at); err != nil {
			return false, err
		}
		if _, err := f.Write(buffer); err != nil {
			return false, err
		}
	}
	return false, errors.Join(f.Sync(), os.Rename(f.Name(), path))
}

// finish copies the other files and makes the directory a model, if its tensors are right.
func finish(ctx context.Context, from *source.Model, c *checkpoint.Checkpoint, dir string) error {
	names := slices.DeleteFunc(append([]string{checkpoint.IndexName}, source.TextFiles()...), func(name string) bool { return name == configFile })
	for _, name := range append(names, configFile) {
		data, err := from.Small(ctx, name, maxText)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	if err := verify(ctx, c, dir); err != nil {
		return errors.Join(err, os.Remove(filepath.Join(dir, configFile)))
	}
	return nil
}

// verify compares every tensor of a copy with the manifest of its source. A copy that differs
// is removed, so that the next one fetches all of it.
func verify(ctx context.Context, c *checkpoint.Checkpoint, dir string) error {
	copied, err := checkpoint.Open(dir)
	if err != nil {
		return err
	}
	defer copied.Close()
	got, err := copied.Verify(ctx, nil)
	if err != nil || c.Manifest() == nil {
		return err
	}
	var faults []error
	for name, sum := range c.Manifest().Tensors {
		if got.Tensors[name] != sum {
			faults = append(faults, fmt.Errorf("tensor %s: expected sha256 %s, found %s", name, sum, got.Tensors[name]))
		}
	}
	if len(faults) == 0 {
		return nil
	}
	for _, name := range append(copied.FileNames(), checkpoint.ManifestFile) {
		faults = append(faults, os.Remove(filepath.Join(dir, name)))
	}
	return fmt.Errorf("the copy differs from the manifest of its source and was removed: %w", checkpoint.FirstFew(faults))
}
