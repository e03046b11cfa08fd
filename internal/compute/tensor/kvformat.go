package tensor

import "fmt"

// KVFormat is how keys and values lie in the cache. It is not a format of
// weights: KVInt8 has one scale per position and key head, the weights of Int8
// one per block.
type KVFormat uint8

const (
	KVF32 KVFormat = iota + 1
	KVF16
	KVBF16
	KVInt8 // integers in [-127, 127] and a scale, f32, per (position, head)
)

// kvFormats is what is known about each format. element is the type of the
// elements; Invalid where they are scaled integers.
var kvFormats = [...]struct {
	name    string
	size    int
	element DType
}{
	KVF32:  {"f32", 4, F32},
	KVF16:  {"f16", 2, F16},
	KVBF16: {"bf16", 2, BF16},
	KVInt8: {"int8", 1, Invalid},
}

// Size is the width of an element in bytes, without scales.
func (f KVFormat) Size() int { return kvFormats[f].size }

// Element is the type of the elements; Invalid when they are scaled integers.
func (f KVFormat) Element() DType { return kvFormats[f].element }

// Scaled reports whether keys and values have a scale per position and head.
func (f KVFormat) Scaled() bool { return f.Element() == Invalid }

func (f KVFormat) String() string {
	if int(f) < len(kvFormats) && f > 0 {
		return kvFormats[f].name
	}
	return fmt.Sprintf("kv format %d", uint8(f))
}
