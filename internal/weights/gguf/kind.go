package gguf

import "fmt"

// kind is an element type of the format, by its number.
type kind uint32

const (
	kindF32  kind = 0
	kindF16  kind = 1
	kindQ40  kind = 2
	kindQ80  kind = 8
	kindQ4K  kind = 12
	kindQ5K  kind = 13
	kindQ6K  kind = 14
	kindBF16 kind = 30
)

// block is how many elements share a block, and its bytes; 0, 0 for a type that
// is not read here.
func (k kind) block() (elements, bytes int64) {
	switch k {
	case kindF32:
		return 1, 4
	case kindF16, kindBF16:
		return 1, 2
	case kindQ40:
		return 32, 2 + 16
	case kindQ80:
		return 32, 2 + 32
	case kindQ4K:
		return 256, 2 + 2 + 12 + 128
	case kindQ5K:
		return 256, 2 + 2 + 12 + 32 + 128
	case kindQ6K:
		return 256, 128 + 64 + 16 + 2
	}
	return 0, 0
}

func (k kind) String() string {
	names := map[kind]string{
		kindF32: "F32", kindF16: "F16", kindQ40: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", kindQ80: "Q8_0", 10: "Q2_K", 11: "Q3_K",
		kindQ4K: "Q4_K", kindQ5K: "Q5_K", kindQ6K: "Q6_K", kindBF16: "BF16",
	}
	if n, ok := names[k]; ok {
		return n
	}
	return fmt.Sprintf("type %d", uint32(k))
}
