package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/quantize"
)

// Target is a place to write to.
type Target interface {
	// Has reports whether there is a file with a SHA-256.
	Has(ctx context.Context, name, sum string, size int64) (bool, error)
	// Put writes a file, whole or not at all.
	Put(ctx context.Context, name, sum string, size int64, from io.Reader) error
	// Finish publishes what was put.
	Finish(ctx context.Context) error
}

// Progress hears of each file that is done; it may be nil.
type Progress func(name string, skipped bool, done, total int64)

// configFile makes a directory a checkpoint.
const configFile = "config.json"

// file is one to be written.
type file struct {
	name string
	size int64
	open func() io.ReadSeeker
}

// Push copies the checkpoint of a directory. Files that the target has are skipped.
func Push(ctx context.Context, dir string, to Target, progress Progress) error {
	c, err := checkpoint.Open(dir)
	if err != nil {
		return err
	}
	defer c.Close()
	files, err := filesOf(ctx, c)
	if err != nil {
		return err
	}
	done, total := int64(0), int64(0)
	for _, f := range files {
		total += f.size
	}
	for _, f := range files {
		skipped, err := f.push(ctx, to)
		if err != nil {
			return err
		}
		if err := c.Unchanged(); err != nil {
			return err
		}
		if done += f.size; progress != nil {
			progress(f.name, skipped, done, total)
		}
	}
	return to.Finish(ctx)
}

// filesOf lists what is written, config.json last.
func filesOf(ctx context.Context, c *checkpoint.Checkpoint) (files []file, err error) {
	manifest, err := c.Verify(ctx, nil)
	if err != nil {
		return nil, err
	}
	parts, err := c.Parts()
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		files = append(files, file{p.Name, p.Size, func() io.ReadSeeker { return p.Reader() }})
	}
	text := func(name string, data []byte) {
		files = append(files, file{name, int64(len(data)), func() io.ReadSeeker { return bytes.NewReader(data) }})
	}
	side, err := quantize.SideFiles(c.Dir())
	if err != nil {
		return nil, err
	}
	var config []byte
	for _, path := range side {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if name := filepath.Base(path); name == configFile {
			config = data
		} else {
			text(name, data)
		}
	}
	index, err := checkpoint.IndexOf(parts)
	if err != nil {
		return nil, err
	}
	hashes, err := checkpoint.ManifestOf(manifest, parts)
	if err != nil {
		return nil, err
	}
	text(checkpoint.ManifestFile, hashes)
	text(checkpoint.IndexName, index)
	text(configFile, config)
	return files, nil
}

// push writes a file, unless the target has it.
func (f file) push(ctx context.Context, to Target) (skipped bool, err error) {
	h, r := sha256.New(), f.open()
	if _, err := io.Copy(h, r); err != nil {
		return false, err
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if has, err := to.Has(ctx, f.name, sum, f.size); has || err != nil {
		return has, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	return false, to.Put(ctx, f.name, sum, f.size, r)
}
