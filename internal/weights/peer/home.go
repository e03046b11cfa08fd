package peer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/source"
)

// Home is where a model comes from when no node gives it, with the files of a Shelf.
type Home struct {
	ckpt  *checkpoint.Checkpoint
	model *source.Model // nil for a directory
	shelf *checkpoint.Shelf
	place string
}

// NewHome makes a home of an opened checkpoint, which the home closes. model is where it is
// if not in a directory.
func NewHome(ckpt *checkpoint.Checkpoint, model *source.Model) (*Home, error) {
	shelf, err := ckpt.Shelf()
	if err != nil {
		return nil, err
	}
	return &Home{ckpt, model, shelf, ckpt.Dir()}, nil
}

// Close closes the checkpoint. A nil home has none.
func (h *Home) Close() error {
	if h == nil {
		return nil
	}
	return h.ckpt.Close()
}

func (h *Home) stat(name string) (source.Info, error) {
	size, version, ok := h.shelf.File(name)
	if !ok {
		return source.Info{}, &source.Error{Place: h.place, File: name, Kind: source.Absent, Err: fs.ErrNotExist}
	}
	return source.Info{Size: size, Version: version}, nil
}

// open streams a range: of a tensor from the place itself, of anything else from memory.
func (h *Home) open(ctx context.Context, name string, at, n int64) (io.ReadCloser, error) {
	file, offset, ok := h.shelf.Locate(name, at, n)
	if ok && n > samplePage {
		return h.stream(ctx, file, offset, n)
	}
	data := make([]byte, n)
	err := h.shelf.Read(name, data, at, func(p checkpoint.Piece, dst []byte) error { return h.ckpt.ReadHere(ctx, p, dst) })
	switch {
	case errors.Is(err, checkpoint.ErrNotHeld) && ok: // the end of a tensor that was cut
		return h.stream(ctx, file, offset, n)
	case err != nil:
		return nil, &source.Error{Place: h.place, File: name, Kind: source.Unavailable, Err: err}
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (h *Home) stream(ctx context.Context, file string, at, n int64) (io.ReadCloser, error) {
	if h.model != nil {
		return h.model.Stream(ctx, file, at, n)
	}
	f, err := os.Open(filepath.Join(h.ckpt.Dir(), file))
	if err != nil {
		return nil, &source.Error{Place: h.place, File: file, Kind: source.Unavailable, Err: err}
	}
	return section{io.NewSectionReader(f, at, n), f}, nil
}

// section is a part of a file.
type section struct {
	io.Reader
	io.Closer
}
