package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

func FuzzReadHeader(f *testing.F) {
	add := func(header string, data int) {
		raw := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		f.Add(append(append(raw, header...), make([]byte, data)...))
	}
	add(`{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[],"data_offsets":[24,26]}}`, 26)
	add(`{"__metadata__":{"format":"pt"}}  `, 0)
	add(`{"a":{"dtype":"F32","shape":[9223372036854775807,2],"data_offsets":[0,8]}}`, 8)
	add(`{"a":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]}}`, 0)
	add(`{"a":{"dtype":null,"shape":null,"data_offsets":[null,null]}}`, 0)
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\x7f{}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		entries, header, start, err := readHeader("f", bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.File != "f" || e.Fault == "" {
				t.Errorf("untyped error %v", err)
			}
			return
		}
		if start != int64(8+len(header)) {
			t.Errorf("data starts at %d behind a header of %d bytes", start, len(header))
		}
		at := start
		for _, e := range entries {
			n := elementBytes[e.dtype]
			for _, d := range e.shape {
				n *= d
			}
			if start+e.begin != at || e.end-e.begin != n {
				t.Errorf("%q at [%d, %d], want %d bytes at %d", e.name, e.begin, e.end, n, at-start)
			}
			at = start + e.end
		}
		if at != int64(len(raw)) {
			t.Errorf("tensors end at %d in a file of %d", at, len(raw))
		}
	})
}

func FuzzParseIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":1},"weight_map":{"a":"model-1.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"../x"}}`))
	f.Add([]byte(`{"weight_map":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		where, err := parseIndex(data)
		for name, file := range where {
			if err != nil || file == "" || file == "." || file == ".." || bytes.ContainsAny([]byte(file), "/\x00") {
				t.Errorf("tensor %q in %q, error %v", name, file, err)
			}
		}
	})
}
