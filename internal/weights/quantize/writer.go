package quantize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

// writer writes the tensors of a source into one safetensors file.
type writer struct {
	ctx context.Context
	src Source
	o   Options
}

// entry is one tensor to be written.
type entry struct {
	spec checkpoint.Spec
	from tensor.DType
	to   tensor.DType
}

func (w *writer) write(path string) error {
	entries, total, err := w.plan()
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(header(entries))
	var done int64
	for i := 0; err == nil && i < len(entries); i++ {
		e := entries[i]
		if err = w.tensor(f, e); err != nil {
			err = fmt.Errorf("tensor %s: %w", e.spec.Name, err)
		}
		if done += int64(e.from.Bytes(e.spec.Rows, e.spec.Cols)); w.o.Progress != nil {
			w.o.Progress(done, total)
		}
	}
	return errors.Join(err, f.Close())
}

// plan looks at every tensor's type. A source that is quantized already is
// kept where it is: quantizing twice loses twice.
func (w *writer) plan() (entries []entry, total int64, err error) {
	for _, s := range checkpoint.Layout(w.src.Config()) {
		weight, release, err := w.src.Tensor(s)
		if err != nil {
			return nil, 0, err
		}
		e := entry{spec: s, from: weight.DType, to: weight.DType}
		if err := release(); err != nil {
			return nil, 0, err
		}
		if w.o.To.Quantized() && s.Quantizable() && (s.IsExpert || w.o.Dense) && !e.from.Quantized() {
			e.to = w.o.To
		}
		entries, total = append(entries, e), total+int64(e.from.Bytes(s.Rows, s.Cols))
	}
	return entries, total, nil
}

func (w *writer) tensor(f io.Writer, e entry) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	weight, release, err := w.src.Tensor(e.spec)
	if err != nil {
		return err
	}
	if e.to != e.from {
		out, err := Weight(w.ctx, w.o.Kernels, w.o.Threads, weight, e.to)
		if err = errors.Join(err, release()); err != nil {
			return err
		}
		_, err = f.Write(out.Data)
		return err
	}
	_, err = f.Write(weight.Data)
	return errors.Join(err, release())
}

func header(entries []entry) []byte {
	stored := make([]checkpoint.Stored, len(entries))
	for i, e := range entries {
		stored[i] = checkpoint.Stored{Spec: e.spec, DType: e.to}
	}
	return checkpoint.Header(stored)
}
