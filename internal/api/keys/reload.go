package keys

import (
	"fmt"
	"io"
	"os"
)

// File is a file of keys and the guard that it configures.
type File struct {
	*Guard
	path string
}

// Open reads a file of keys.
func Open(path string) (*File, error) {
	entries, err := read(path)
	if err != nil {
		return nil, err
	}
	return &File{NewGuard(entries), path}, nil
}

// read reads and parses a file.
func read(path string) ([]Entry, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	raw, err := io.ReadAll(io.LimitReader(in, MaxFile+1))
	if err != nil {
		return nil, err
	}
	entries, err := Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return entries, nil
}

// Reload reads the file again. A file with a fault leaves the guard as it is.
func (f *File) Reload() error {
	entries, err := read(f.path)
	if err == nil {
		f.Replace(entries)
	}
	return err
}
