package gguf

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
)

// base is the header of the file in testdata, for tests that change it.
func base(t testing.TB) *header {
	t.Helper()
	raw, err := os.ReadFile(ggufFile)
	if err != nil {
		t.Fatal(err)
	}
	h, err := parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// set puts a tensor of zeros into a header.
func (h *header) set(name string, k kind, dims ...int64) {
	n := layouts[k].bytes
	for i, d := range dims {
		if i == 0 {
			d /= layouts[k].elements
		}
		n *= d
	}
	h.tensors[name] = info{dims: dims, kind: k, bytes: n, data: make([]byte, n)}
}

// write makes a file of a header.
func (h *header) write(t testing.TB, path string) string {
	t.Helper()
	text := func(b []byte, s string) []byte {
		return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
	}
	out := append([]byte("GGUF"), 3, 0, 0, 0)
	out = binary.LittleEndian.AppendUint64(out, uint64(len(h.tensors)))
	out = binary.LittleEndian.AppendUint64(out, uint64(len(h.meta)))
	for _, key := range slices.Sorted(maps.Keys(h.meta)) {
		kind, value := encode(h.meta[key])
		out = append(binary.LittleEndian.AppendUint32(text(out, key), kind), value...)
	}
	var data []byte
	for _, name := range slices.Sorted(maps.Keys(h.tensors)) {
		x := h.tensors[name]
		out = binary.LittleEndian.AppendUint32(text(out, name), uint32(len(x.dims)))
		for _, d := range x.dims {
			out = binary.LittleEndian.AppendUint64(out, uint64(d))
		}
		out = binary.LittleEndian.AppendUint32(out, uint32(x.kind))
		out = binary.LittleEndian.AppendUint64(out, uint64(len(data)))
		data = append(data, x.data...)
		data = append(data, make([]byte, -len(data)&31)...)
	}
	out = append(out, make([]byte, -len(out)&31)...)
	if err := os.WriteFile(path, append(out, data...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// encode is the number of the type of a value, and its bytes.
func encode(v any) (kind uint32, b []byte) {
	switch v := v.(type) {
	case uint64:
		return 10, binary.LittleEndian.AppendUint64(nil, v)
	case int64:
		return 11, binary.LittleEndian.AppendUint64(nil, uint64(v))
	case float64:
		return 12, binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))
	case bool:
		return 7, []byte{map[bool]byte{true: 1}[v]}
	case string:
		return 8, append(binary.LittleEndian.AppendUint64(nil, uint64(len(v))), v...)
	case []any:
		inner := uint32(4)
		var values []byte
		for _, x := range v {
			k, one := encode(x)
			inner, values = k, append(values, one...)
		}
		b = binary.LittleEndian.AppendUint32(nil, inner)
		return 9, append(binary.LittleEndian.AppendUint64(b, uint64(len(v))), values...)
	}
	panic(fmt.Sprintf("a value of type %T", v))
}

// openEdited opens a changed copy of the file in testdata.
func openEdited(t *testing.T, edit func(h *header), ignored ...string) (*File, error) {
	t.Helper()
	h := base(t)
	edit(h)
	f, err := Open(h.write(t, filepath.Join(t.TempDir(), "edited.gguf")), Options{Kernels: kernel.Best(), Threads: 1, IgnoredKeys: ignored})
	if err == nil {
		t.Cleanup(func() { f.Close() })
	}
	return f, err
}
