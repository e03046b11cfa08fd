package checkpoint

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/hachi-serve/hachi/internal/model/arch"
)

// Raw is the safetensors files of a directory without a layout: what a format
// of another maker calls its tensors. Files are checked like those of a
// Checkpoint; names, types and shapes are the caller's to judge.
type Raw struct {
	dir     string
	files   []*file
	tensors map[string]rawEntry
}

type rawEntry struct {
	entry
	file *file
}

// RawTensor is one mapped tensor.
type RawTensor struct {
	DType string // as the header spells it
	Shape []int64
	Data  []byte
}

// OpenRaw reads all headers of dir.
func OpenRaw(dir string) (*Raw, error) {
	files, err := openFiles(dir)
	if err != nil {
		return nil, err
	}
	r := &Raw{dir: dir, files: files, tensors: map[string]rawEntry{}}
	for _, f := range files {
		for _, e := range f.entries {
			if _, ok := r.tensors[e.name]; ok {
				closeFiles(files)
				return nil, &Error{File: f.path, Tensor: e.name, Fault: Duplicate, Expected: "it in one file", Found: "it in two"}
			}
			r.tensors[e.name] = rawEntry{e, f}
		}
	}
	return r, nil
}

// Names lists the tensors, sorted.
func (r *Raw) Names() []string { return slices.Sorted(maps.Keys(r.tensors)) }

// Has reports whether there is such a tensor.
func (r *Raw) Has(name string) bool {
	_, ok := r.tensors[name]
	return ok
}

// Unexpected is the fault of a tensor that the caller has no use for.
func (r *Raw) Unexpected(name, expected string) error {
	e := r.tensors[name]
	return unexpected(e.file, e.entry, expected)
}

// Map maps a tensor that must have a type and a shape. release unmaps it.
func (r *Raw) Map(name, dtype string, shape ...int64) (RawTensor, func() error, error) {
	e, ok := r.tensors[name]
	if !ok {
		return RawTensor{}, nil, &Error{File: r.dir, Tensor: name, Fault: Missing, Expected: fmt.Sprintf("%s %v", dtype, shape)}
	}
	if dtype != "" && e.dtype != dtype {
		return RawTensor{}, nil, &Error{File: e.file.path, Tensor: name, Fault: WrongDType, Expected: dtype, Found: e.dtype}
	}
	if !slices.Equal(e.shape, shape) {
		return RawTensor{}, nil, &Error{File: e.file.path, Tensor: name, Fault: WrongShape, Expected: fmt.Sprint(shape), Found: fmt.Sprint(e.shape)}
	}
	var m mappings
	w, err := m.weight(located{Spec: Spec{arch.Tensor{Name: name}}, file: e.file, offset: e.file.start + e.begin, bytes: e.end - e.begin})
	if err != nil {
		return RawTensor{}, nil, err
	}
	return RawTensor{e.dtype, e.shape, w.Data}, m.unmap, nil
}

// File is the path of a tensor's file, for errors.
func (r *Raw) File(name string) string {
	if e, ok := r.tensors[name]; ok {
		return e.file.path
	}
	return filepath.Join(r.dir, singleFile)
}

// Close closes the files. Maps stay valid.
func (r *Raw) Close() error { return closeFiles(r.files) }
