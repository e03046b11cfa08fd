package gguf

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// kind is an element type of the format, by its number.
type kind uint32

const (
	kindF32   kind = 0
	kindF16   kind = 1
	kindQ40   kind = 2
	kindQ41   kind = 3
	kindQ50   kind = 6
	kindQ51   kind = 7
	kindQ80   kind = 8
	kindQ4K   kind = 12
	kindQ5K   kind = 13
	kindQ6K   kind = 14
	kindBF16  kind = 30
	kindMXFP4 kind = 39
)

// layout is how many elements share a block, and its bytes.
type layout struct{ elements, bytes int64 }

// layouts are the types that are read here.
var layouts = map[kind]layout{
	kindF32:   {1, 4},
	kindF16:   {1, 2},
	kindBF16:  {1, 2},
	kindQ40:   {32, 2 + 16},
	kindQ41:   {32, 2 + 2 + 16},
	kindQ50:   {32, 2 + 4 + 16},
	kindQ51:   {32, 2 + 2 + 4 + 16},
	kindQ80:   {32, 2 + 32},
	kindQ4K:   {256, 2 + 2 + 12 + 128},
	kindQ5K:   {256, 2 + 2 + 12 + 32 + 128},
	kindQ6K:   {256, 128 + 64 + 16 + 2},
	kindMXFP4: {32, 1 + 16},
}

var kindNames = map[kind]string{
	kindF32: "F32", kindF16: "F16", kindQ40: "Q4_0", kindQ41: "Q4_1", 4: "Q4_2", 5: "Q4_3", kindQ50: "Q5_0", kindQ51: "Q5_1", kindQ80: "Q8_0",
	9: "Q8_1", 10: "Q2_K", 11: "Q3_K", kindQ4K: "Q4_K", kindQ5K: "Q5_K", kindQ6K: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS",
	18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
	29: "IQ1_M", kindBF16: "BF16", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8", 34: "TQ1_0", 35: "TQ2_0", 36: "IQ4_NL_4_4",
	37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8", kindMXFP4: "MXFP4",
}

func (k kind) String() string {
	if n, ok := kindNames[k]; ok {
		return n
	}
	return fmt.Sprintf("type %d", uint32(k))
}

// readable lists the types that are read here.
func readable() string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(layouts)) {
		out = append(out, k.String())
	}
	return strings.Join(out, ", ")
}
