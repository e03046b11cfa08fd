package gguf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// Bounds far above any real file.
const (
	maxTensors  = 1 << 17
	maxKeys     = 1 << 16
	maxElements = 1 << 22 // of an array, a vocabulary for one
	maxDims     = 4
)

// header is what stands before the tensors' data.
type header struct {
	meta    map[string]any // numbers as uint64, int64, float64; bool; string; []any
	tensors map[string]info
}

// info is one tensor. dims begin with the fastest.
type info struct {
	dims   []int64
	kind   kind
	offset int64 // from the start of the data section
	bytes  int64
	data   []byte // the tensor in the mapped file
}

// cursor reads little-endian values and remembers the first fault.
type cursor struct {
	b   []byte
	at  int
	err error
}

func (c *cursor) take(n uint64) []byte {
	if c.err == nil && n > uint64(len(c.b)-c.at) {
		c.err = fmt.Errorf("the file ends at byte %d, inside a value of %d bytes at %d", len(c.b), n, c.at)
	}
	if c.err != nil {
		return nil
	}
	out := c.b[c.at : c.at+int(n)]
	c.at += int(n)
	return out
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) text() string { return string(c.take(c.u64())) }

// value reads one metadata value of a type.
func (c *cursor) value(kind uint32, nested bool) any {
	switch kind {
	case 0, 1, 7: // uint8, int8, bool
		if b := c.take(1); b != nil {
			switch kind {
			case 0:
				return uint64(b[0])
			case 1:
				return int64(int8(b[0]))
			}
			return b[0] != 0
		}
	case 2, 3:
		if b := c.take(2); b != nil {
			v := binary.LittleEndian.Uint16(b)
			if kind == 2 {
				return uint64(v)
			}
			return int64(int16(v))
		}
	case 4:
		return uint64(c.u32())
	case 5:
		return int64(int32(c.u32()))
	case 6:
		return float64(math.Float32frombits(c.u32()))
	case 8:
		return c.text()
	case 9:
		if !nested {
			return c.array()
		}
		c.fail("an array inside an array")
	case 10:
		return c.u64()
	case 11:
		return int64(c.u64())
	case 12:
		return math.Float64frombits(c.u64())
	default:
		c.fail("unknown type %d of a value", kind)
	}
	return nil
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *cursor) array() any {
	kind, n := c.u32(), c.u64()
	if n > maxElements {
		c.fail("an array of %d elements, expected at most %d", n, maxElements)
		return nil
	}
	out := make([]any, 0, min(n, 1<<16))
	for i := uint64(0); i < n && c.err == nil; i++ {
		out = append(out, c.value(kind, true))
	}
	return out
}

// parse reads and checks the header of a whole file.
func parse(file []byte) (*header, error) {
	c := &cursor{b: file}
	if string(c.take(4)) != "GGUF" {
		return nil, errors.New("not a GGUF file: the first four bytes are others")
	}
	if v := c.u32(); v != 2 && v != 3 {
		if swapped := bits.ReverseBytes32(v); swapped == 3 {
			return nil, errors.New("the file is big-endian, expected little-endian: convert it again without --bigendian")
		}
		return nil, fmt.Errorf("version %d, expected 2 or 3", v)
	}
	tensors, keys := c.u64(), c.u64()
	if tensors > maxTensors || keys > maxKeys {
		return nil, fmt.Errorf("%d tensors and %d keys, expected at most %d and %d", tensors, keys, maxTensors, maxKeys)
	}
	h := &header{meta: map[string]any{}, tensors: map[string]info{}}
	for i := uint64(0); i < keys && c.err == nil; i++ {
		key := c.text()
		if _, ok := h.meta[key]; ok {
			return nil, fmt.Errorf("key %q stands twice", key)
		}
		h.meta[key] = c.value(c.u32(), false)
	}
	for i := uint64(0); i < tensors && c.err == nil; i++ {
		c.tensor(h)
	}
	if c.err != nil {
		return nil, c.err
	}
	return h, h.place(int64(c.at), file)
}

func (c *cursor) tensor(h *header) {
	name, n := c.text(), c.u32()
	if n == 0 || n > maxDims {
		c.fail("tensor %q has %d dimensions, expected 1 to %d", name, n, maxDims)
		return
	}
	var t info
	elements := uint64(1)
	for range n {
		d := c.u64()
		hi, lo := bits.Mul64(elements, d)
		if c.err == nil && (d == 0 || hi != 0 || lo > 1<<50) {
			c.fail("tensor %q: dimension %d of %d does not fit", name, len(t.dims), d)
		}
		elements = lo
		t.dims = append(t.dims, int64(d))
	}
	t.kind, t.offset = kind(c.u32()), int64(c.u64()&math.MaxInt64)
	if c.err != nil {
		return
	}
	l, ok := layouts[t.kind]
	if !ok {
		c.fail("tensor %q is %v: hachi reads %s: make a file of one of these types", name, t.kind, readable())
		return
	}
	if t.dims[0]%l.elements != 0 {
		c.fail("tensor %q: rows of %d are no whole blocks of %d", name, t.dims[0], l.elements)
		return
	}
	if _, ok := h.tensors[name]; ok {
		c.fail("tensor %q stands twice", name)
	}
	t.bytes = int64(elements) / l.elements * l.bytes
	h.tensors[name] = t
}

// place finds the tensors in the file, whose data section begins behind end.
func (h *header) place(end int64, file []byte) error {
	align, size := int64(32), int64(len(file))
	if v, ok := h.meta["general.alignment"].(uint64); ok {
		if v == 0 || v > 1<<20 || v%8 != 0 {
			return fmt.Errorf("general.alignment is %d", v)
		}
		align = int64(v)
	}
	start := (end + align - 1) / align * align
	for name, t := range h.tensors {
		if t.offset%align != 0 || t.offset > size || start > size-t.offset || t.bytes > size-start-t.offset {
			return fmt.Errorf("tensor %q: %d bytes at %d of the data do not fit a file of %d bytes: it is cut off, or one of several files that must be joined first", name, t.bytes, t.offset, size)
		}
		t.data = file[start+t.offset:][:t.bytes:t.bytes]
		h.tensors[name] = t
	}
	return nil
}
