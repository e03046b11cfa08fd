package gguf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/model/arch"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/quantize"
)

// Options say how a file is read.
type Options struct {
	// Kernels and Threads quantize what must be.
	Kernels *kernel.Kernels
	Threads int
	// IgnoredKeys are metadata keys that the caller knows to change nothing.
	IgnoredKeys []string
}

// File is an open model. It is a quantize.Source.
type File struct {
	path   string
	mapped [][]byte // one file, or the parts of a split one
	header *header
	cfg    model.Config
	o      Options
}

// Open maps and checks a file. Of a split file, path is any part.
func Open(path string, o Options) (*File, error) {
	o.Threads = max(1, o.Threads)
	f := &File{path: path, o: o}
	err := f.open()
	if err == nil {
		f.cfg, err = f.header.config(o.IgnoredKeys)
	}
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return f, nil
}

// open maps all parts and reads their headers.
func (f *File) open() error {
	files, err := paths(f.path)
	if err != nil {
		return err
	}
	var parts []*header
	for _, path := range files {
		mem, err := mapFile(path)
		if err != nil {
			return err
		}
		f.mapped = append(f.mapped, mem)
		part, err := parse(mem)
		if err != nil && len(files) > 1 {
			err = fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		if err != nil {
			return err
		}
		parts = append(parts, part)
	}
	f.header, err = joinParts(parts)
	return err
}

// Close unmaps the file; weights that were taken from it are gone too.
func (f *File) Close() error {
	var errs []error
	for _, mem := range f.mapped {
		errs = append(errs, unix.Munmap(mem))
	}
	f.mapped = nil
	return errors.Join(errs...)
}

// Config is the model's shape.
func (f *File) Config() model.Config { return f.cfg }

// check looks at every tensor of the configuration, and refuses any other: a
// tensor that the model has no place for may change the arithmetic.
func (f *File) check() error {
	var faults []error
	used := map[string]bool{}
	for _, s := range checkpoint.Layout(f.cfg) {
		name, _, _, err := f.find(s)
		used[name] = true
		if err != nil {
			faults = append(faults, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.header.tensors)) {
		if !used[name] {
			t := f.header.tensors[name]
			faults = append(faults, fmt.Errorf("tensor %s: unexpected (%v %v): a %s has no such tensor: it may change the arithmetic, and hachi does not implement it",
				name, t.kind, t.dims, f.cfg.Arch))
		}
	}
	return checkpoint.FirstFew(faults)
}

// find locates a tensor: its name, its type and its rows in the file's order.
func (f *File) find(s checkpoint.Spec) (string, kind, []byte, error) {
	name, expert := f.name(s)
	t, ok := f.header.tensors[name]
	want := []int64{int64(s.Cols), int64(s.Rows)}
	if s.Vector {
		want = want[:1]
	}
	if !ok && expert >= 0 { // older files have a tensor per expert
		single := fmt.Sprintf("%s.%d.weight", name[:len(name)-len("_exps.weight")], expert)
		if t, ok = f.header.tensors[single]; ok {
			name, expert = single, -1
		}
	}
	if !ok {
		return name, 0, nil, fmt.Errorf("tensor %s: missing", name)
	}
	if expert >= 0 {
		want = append(want, int64(f.cfg.Experts))
	}
	if !slices.Equal(t.dims, want) {
		return name, 0, nil, fmt.Errorf("tensor %s: dimensions %v, expected %v", name, t.dims, want)
	}
	data := t.data
	if expert >= 0 {
		size := len(data) / f.cfg.Experts
		data = data[size*expert:][:size:size]
	}
	return name, t.kind, data, nil
}

// name is how the format calls a tensor; expert is its place in a merged
// tensor, or -1.
func (f *File) name(s checkpoint.Spec) (name string, expert int) {
	expert = -1
	if s.IsExpert {
		expert = s.Expert.Expert
	}
	return strings.ReplaceAll(arch.Of(f.cfg).GGUF.Names[s.Role], "{layer}", strconv.Itoa(s.Layer)), expert
}

// Tensor implements quantize.Source.
func (f *File) Tensor(s checkpoint.Spec) (tensor.Weight, func() error, error) {
	kept := func() error { return nil }
	name, k, raw, err := f.find(s)
	if err != nil {
		return tensor.Weight{}, nil, err
	}
	if k == kindMXFP4 && hasNaN(raw) {
		return tensor.Weight{}, nil, fmt.Errorf("tensor %s: a block of MXFP4 has the scale 255, which makes it NaN", name)
	}
	w := tensor.Weight{Rows: s.Rows, Cols: s.Cols, Data: raw}
	rows := f.order(s, raw)
	switch k {
	case kindF32, kindF16, kindBF16:
		w.DType = map[kind]tensor.DType{kindF32: tensor.F32, kindF16: tensor.F16, kindBF16: tensor.BF16}[k]
		if rows.moved {
			w.Data = rows.copy()
		}
		return w, kept, nil
	}
	if !s.Quantizable() { // an embedding or a gate that was quantized
		w.DType, w.Data = tensor.BF16, rows.widen(k, tensor.BF16)
		return w, kept, nil
	}
	switch k {
	case kindQ80:
		w.DType, w.Data = tensor.Int8, rows.repack(tensor.Int8, repackQ80)
	case kindQ50:
		w.DType, w.Data = tensor.Int8, rows.repack(tensor.Int8, repackQ50)
	case kindQ40:
		w.DType, w.Data = tensor.Int4, rows.repack(tensor.Int4, repackQ40)
	case kindQ4K:
		w.DType, w.Data = tensor.Int4Affine, rows.repack(tensor.Int4Affine, repackQ4K)
	case kindMXFP4:
		w.DType, w.Data = tensor.MXFP4, rows.repack(tensor.MXFP4, repackMXFP4)
	default:
		wide := tensor.Weight{DType: tensor.F32, Rows: s.Rows, Cols: s.Cols, Data: rows.widen(k, tensor.F32)}
		w, err = quantize.Weight(context.Background(), f.o.Kernels, f.o.Threads, wide, tensor.Int8)
	}
	return w, kept, err
}
