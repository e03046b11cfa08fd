package keys

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"
)

// File is a file of keys and the guard that follows it.
type File struct {
	*Guard
	path string
	raw  []byte // what the guard has
}

// Open reads a file of keys.
func Open(path string) (*File, error) {
	raw, entries, err := read(path)
	if err != nil {
		return nil, err
	}
	return &File{NewGuard(entries), path, raw}, nil
}

// read reads and parses a file.
func read(path string) (raw []byte, entries []Entry, err error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	if raw, err = io.ReadAll(io.LimitReader(in, MaxFile+1)); err != nil {
		return nil, nil, err
	}
	if entries, err = Parse(raw); err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return raw, entries, err
}

// lookEvery is the time between looks at a file.
const lookEvery = time.Second

// Follow changes the guard when the file changes, until ctx ends. The guard keeps
// its keys while the file cannot be read or has a fault. The content is compared:
// neither a clock nor a link hides a change.
func (f *File) Follow(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	failing := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		raw, entries, err := read(f.path)
		switch {
		case err != nil && err.Error() != failing:
			failing = err.Error()
			log.Error("API keys not reloaded: the keys read before stay valid", "file", f.path, "err", err)
		case err == nil && (failing != "" || !bytes.Equal(raw, f.raw)):
			failing, f.raw = "", raw
			f.Replace(entries)
			log.Info("API keys reloaded", "file", f.path, "clients", len(entries))
		}
	}
}
