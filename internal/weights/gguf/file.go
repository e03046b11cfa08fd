package gguf

import (
	"context"
	"errors"
	"fmt"
	"os"
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

// File is an open model. It is a quantize.Source.
type File struct {
	path   string
	mem    []byte
	header *header
	cfg    model.Config
	k      *kernel.Kernels
	thread int
}

// Open maps and checks a file. Kernels and threads quantize what must be.
func Open(path string, k *kernel.Kernels, threads int) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if size.Size() < 32 {
		return nil, fmt.Errorf("%s: %d bytes are no GGUF file", path, size.Size())
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, int(size.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, os.NewSyscallError("mmap", err))
	}
	out := &File{path: path, mem: mem, k: k, thread: max(1, threads)}
	if out.header, err = parse(mem); err == nil {
		out.cfg, err = out.header.config()
	}
	if err == nil {
		err = out.check()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), out.Close())
	}
	return out, nil
}

// Close unmaps the file; weights that were taken from it are gone too.
func (f *File) Close() error { return unix.Munmap(f.mem) }

// Config is the model's shape.
func (f *File) Config() model.Config { return f.cfg }

// check looks at every tensor of the configuration.
func (f *File) check() error {
	var faults []error
	for _, s := range checkpoint.Layout(f.cfg) {
		_, _, err := f.find(s)
		if err != nil && len(faults) < 10 {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// find locates a tensor: its type and its rows in the file's order.
func (f *File) find(s checkpoint.Spec) (kind, []byte, error) {
	name, expert := f.name(s)
	t, ok := f.header.tensors[name]
	want := []int64{int64(s.Cols), int64(s.Rows)}
	if s.Vector {
		want = want[:1]
	}
	if !ok && expert >= 0 { // older files have a tensor per expert
		name = fmt.Sprintf("%s.%d.weight", name[:len(name)-len("_exps.weight")], expert)
		t, ok = f.header.tensors[name]
		expert = -1
	}
	if !ok {
		return 0, nil, fmt.Errorf("tensor %s: missing", name)
	}
	if expert >= 0 {
		want = append(want, int64(f.cfg.Experts))
	}
	if fmt.Sprint(t.dims) != fmt.Sprint(want) {
		return 0, nil, fmt.Errorf("tensor %s: dimensions %v, expected %v", name, t.dims, want)
	}
	part, from := t.bytes, t.offset
	if expert >= 0 {
		part /= int64(f.cfg.Experts)
		from += part * int64(expert)
	}
	return t.kind, f.mem[from : from+part], nil
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
	k, raw, err := f.find(s)
	if err != nil {
		return tensor.Weight{}, nil, err
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
	case kindQ40:
		w.DType, w.Data = tensor.Int4, rows.repack(tensor.Int4, repackQ40)
	case kindQ4K:
		w.DType, w.Data = tensor.Int4Affine, rows.repack(tensor.Int4Affine, repackQ4K)
	default:
		wide := tensor.Weight{DType: tensor.F32, Rows: s.Rows, Cols: s.Cols, Data: rows.widen(k, tensor.F32)}
		w, err = quantize.Weight(context.Background(), f.k, f.thread, wide, tensor.Int8)
	}
	return w, kept, err
}
