package cell

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/hachi-serve/hachi/internal/wholefile"
)

// Read reads all cells of a directory in the order of their names.
func Read(dir string) ([]Cell, error) {
	out, err := Glob(filepath.Join(dir, "*.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s has no cell: hachi bench scale --out %s measures some", dir, dir)
	}
	return out, err
}

// Glob reads the cells whose paths fit a pattern of filepath.Match, in the order of their
// names. The error is os.ErrNotExist if there is none.
func Glob(pattern string) (out []Cell, err error) {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%q: %w", pattern, os.ErrNotExist)
	}
	slices.Sort(paths)
	for _, path := range paths {
		c, err := ReadFile(path)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// ReadFile reads a cell. The error names the file and the field.
func ReadFile(path string) (c Cell, err error) {
	err = decode(path, &c, func() error { return c.check() })
	return c, err
}

// decode reads a file, which has no other fields than those of to.
func decode(path string, to any, check func() error) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err = d.Decode(to); err == nil {
		err = check()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// check reports every field that is not a cell's.
func (c *Cell) check() error {
	if c.Version != Version {
		return fmt.Errorf("version %d: want %d; measure it again", c.Version, Version)
	}
	return errors.Join(
		positive("setting.nodes", float64(c.Setting.Nodes)), positive("setting.replicas", float64(c.Setting.Replicas)), positive("setting.batch", float64(c.Setting.Batch)),
		positive("machine.cores", float64(c.Machine.Cores)), positive("rounds", float64(len(c.Rounds))), positive("result.output_tokens_per_second", c.Result.Throughput),
	)
}

// positive is the error of a field that is not more than 0.
func positive(field string, is float64) error {
	if is > 0 {
		return nil
	}
	return fmt.Errorf("%s: %g: want more than 0", field, is)
}

// path is where a cell is kept.
func (s Setting) path(dir string) string { return filepath.Join(dir, s.Name()+".json") }

// Measured reports whether a cell has a file.
func (s Setting) Measured(dir string) (bool, error) {
	_, err := os.Stat(s.path(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Of reads the file of a setting.
func Of(dir string, s Setting) (Cell, error) { return ReadFile(s.path(dir)) }

// Write writes the file of a cell, whole or not at all.
func (c Cell) Write(dir string) error {
	raw, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return wholefile.Write(c.Setting.path(dir), append(raw, '\n'), 0o644)
}
