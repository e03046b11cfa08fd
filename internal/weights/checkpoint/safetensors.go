package checkpoint

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/bits"
	"slices"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/strictjson"
)

// maxHeader is the format's own limit on the header's length in bytes.
const maxHeader = 100 << 20

// entry is one tensor of a safetensors header.
type entry struct {
	name       string
	dtype      string
	shape      []int64
	begin, end int64 // bytes, from the start of the data section
}

// elementBytes are the widths of all element types of the format.
var elementBytes = map[string]int64{
	"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2,
	"I8": 1, "U8": 1, "BOOL": 1, "F8_E5M2": 1, "F8_E4M3": 1,
}

var computable = map[string]tensor.DType{"F32": tensor.F32, "F16": tensor.F16, "BF16": tensor.BF16}

// readHeader reads the header of a safetensors file of size bytes. header is
// the JSON as it stands in the file; dataStart is the file offset of offset 0.
// path is for errors only.
func readHeader(path string, r io.ReaderAt, size int64) (entries []entry, header []byte, dataStart int64, err error) {
	fault := func(f Fault, expected, found string, cause error) error {
		return &Error{File: path, Fault: f, Expected: expected, Found: found, Err: cause}
	}
	var prefix [8]byte
	if size < 8 {
		return nil, nil, 0, fault(Truncated, "an 8-byte header length", fmt.Sprintf("a file of %d bytes", size), nil)
	}
	if _, err := r.ReadAt(prefix[:], 0); err != nil {
		return nil, nil, 0, fault(Unreadable, "", "", err)
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	if string(prefix[:]) == "version " {
		return nil, nil, 0, fault(BadHeader, "weights", "what looks like a Git LFS pointer: fetch the file itself", nil)
	}
	if n > uint64(size-8) {
		return nil, nil, 0, fault(Truncated, fmt.Sprintf("a header of %d bytes", n), fmt.Sprintf("a file of %d bytes", size), nil)
	}
	if n > maxHeader {
		return nil, nil, 0, fault(BadHeader, fmt.Sprintf("at most %d bytes", maxHeader), fmt.Sprintf("%d bytes", n), nil)
	}
	header = make([]byte, n)
	if _, err := r.ReadAt(header, 8); err != nil {
		return nil, nil, 0, fault(Unreadable, "", "", err)
	}
	entries, err = parseHeader(path, header, size-8-int64(n))
	return entries, header, 8 + int64(n), err
}

// parseHeader checks that the tensors of header tile a data section of dataLen
// bytes exactly: no holes, no overlaps. It returns them in file order.
func parseHeader(path string, header []byte, dataLen int64) ([]entry, error) {
	if len(header) == 0 || header[0] != '{' {
		return nil, &Error{File: path, Fault: BadHeader, Expected: "a JSON object", Found: fmt.Sprintf("%.20q", header)}
	}
	members, err := strictjson.Object(header)
	if err != nil {
		return nil, &Error{File: path, Fault: BadHeader, Err: err}
	}
	var entries []entry
	for _, m := range members {
		if m.Key == "__metadata__" {
			continue
		}
		e, err := parseEntry(m)
		if err != nil {
			return nil, &Error{File: path, Tensor: m.Key, Fault: BadHeader, Err: err}
		}
		if err := e.checkSize(path); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		if a.begin != b.begin {
			return cmp.Compare(a.begin, b.begin)
		}
		return cmp.Compare(a.end, b.end)
	})
	return entries, checkTiling(path, entries, dataLen)
}

func parseEntry(m strictjson.Member) (entry, error) {
	e := entry{name: m.Key}
	fields, err := strictjson.Object(m.Value)
	if err != nil {
		return e, err
	}
	var shape, offsets []int64
	for _, f := range fields {
		switch f.Key {
		case "dtype":
			err = json.Unmarshal(f.Value, &e.dtype)
		case "shape":
			shape, err = sizes(f)
		case "data_offsets":
			offsets, err = sizes(f)
		default:
			err = fmt.Errorf("unknown field")
		}
		if err != nil {
			return e, fmt.Errorf("%s: %w", f.Key, err)
		}
	}
	if e.dtype == "" || shape == nil || len(offsets) != 2 {
		return e, fmt.Errorf("expected dtype, shape and two data_offsets, found %.80s", m.Value)
	}
	e.shape, e.begin, e.end = shape, offsets[0], offsets[1]
	if e.begin > e.end {
		return e, fmt.Errorf("data_offsets run backwards: %v", offsets)
	}
	return e, nil
}

// sizes decodes a list of non-negative integers, strictly: no null anywhere.
func sizes(m strictjson.Member) ([]int64, error) {
	var list []*int64
	if err := json.Unmarshal(m.Value, &list); err != nil || list == nil {
		return nil, fmt.Errorf("expected a list of integers, found %.80s", m.Value)
	}
	out := make([]int64, len(list))
	for i, v := range list {
		if v == nil || *v < 0 {
			return nil, fmt.Errorf("expected non-negative integers, found %.80s", m.Value)
		}
		out[i] = *v
	}
	return out, nil
}

// checkSize checks the byte range against dtype and shape.
func (e entry) checkSize(path string) error {
	width, ok := elementBytes[e.dtype]
	if !ok {
		return &Error{File: path, Tensor: e.name, Fault: WrongDType, Expected: "F32, F16 or BF16", Found: e.dtype}
	}
	want, empty := uint64(width), false
	for _, d := range e.shape {
		if d == 0 {
			empty = true
			continue
		}
		hi, lo := bits.Mul64(want, uint64(d))
		if hi != 0 || lo > 1<<62 {
			return &Error{File: path, Tensor: e.name, Fault: WrongSize, Expected: "a shape below 2^62 bytes", Found: fmt.Sprint(e.shape)}
		}
		want = lo
	}
	if empty {
		want = 0
	}
	if int64(want) != e.end-e.begin {
		return &Error{File: path, Tensor: e.name, Fault: WrongSize,
			Expected: fmt.Sprintf("%d bytes for %s %v", want, e.dtype, e.shape),
			Found:    fmt.Sprintf("%d bytes in data_offsets [%d, %d]", e.end-e.begin, e.begin, e.end)}
	}
	return nil
}

// checkTiling takes entries in file order.
func checkTiling(path string, entries []entry, dataLen int64) error {
	var at int64
	for _, e := range entries {
		if e.end > dataLen {
			return &Error{File: path, Tensor: e.name, Fault: Truncated,
				Expected: fmt.Sprintf("%d bytes of data", e.end), Found: fmt.Sprintf("%d", dataLen)}
		}
		if e.begin != at {
			fault := Hole
			if e.begin < at {
				fault = Overlap
			}
			return &Error{File: path, Tensor: e.name, Fault: fault,
				Expected: fmt.Sprintf("data to begin at %d, where the tensor before it ends", at), Found: fmt.Sprintf("%d", e.begin)}
		}
		at = e.end
	}
	if at != dataLen {
		return &Error{File: path, Fault: Trailing, Expected: fmt.Sprintf("%d bytes of data", at), Found: fmt.Sprintf("%d", dataLen)}
	}
	return nil
}
