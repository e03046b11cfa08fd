package tensor

import (
	"encoding/binary"
	"math"
)

// A router converts every row that it sends or receives, so bf16 has loops over
// four elements: two float32 lie in a uint64, four bf16 in another.
//
//	bits     63 .. 48   47 .. 32   31 .. 16   15 .. 0
//	f32 x 2  high of 1  low of 1   high of 0  low of 0
//	bf16 x 4 element 3  element 2  element 1  element 0

const (
	pairAbs  = 0x7fffffff_7fffffff // all but the signs
	pairSign = 0x80000000_80000000
	// pairNaN carries into the sign of an element without a sign if, and only if,
	// the element is above infinity, 0x7f800000.
	pairNaN = 0x007fffff_007fffff
	// pairHalf, and 1 more where the last kept bit is set, rounds to even.
	pairHalf = 0x00007fff_00007fff
	pairLast = 0x00000001_00000001
)

func encodeBF16(dst []byte, src []float32) {
	for len(src) >= 4 && len(dst) >= 8 {
		four := (*[4]float32)(src)
		low := uint64(math.Float32bits(four[0])) | uint64(math.Float32bits(four[1]))<<32
		high := uint64(math.Float32bits(four[2])) | uint64(math.Float32bits(four[3]))<<32
		if ((low&pairAbs+pairNaN)|(high&pairAbs+pairNaN))&pairSign != 0 {
			encodeEachBF16(dst, four[:]) // a carry of a NaN would spill into its neighbor
		} else {
			binary.LittleEndian.PutUint64(dst, roundPair(low)|roundPair(high)<<32)
		}
		dst, src = dst[8:], src[4:]
	}
	encodeEachBF16(dst, src)
}

// roundPair rounds two float32, neither a NaN, to two bf16 in the lower half.
func roundPair(pair uint64) uint64 {
	pair += pairHalf + pair>>16&pairLast
	return pair>>16&0xffff | pair>>32&0xffff0000
}

func encodeEachBF16(dst []byte, src []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], ToBF16(v))
	}
}

//go:norace
func decodeBF16(dst []float32, src []byte) {
	for len(dst) >= 4 && len(src) >= 8 {
		four, bits := (*[4]float32)(dst), binary.LittleEndian.Uint64(src)
		four[0] = math.Float32frombits(uint32(bits) << 16)
		four[1] = math.Float32frombits(uint32(bits) & 0xffff0000)
		four[2] = math.Float32frombits(uint32(bits>>16) & 0xffff0000)
		four[3] = math.Float32frombits(uint32(bits>>32) & 0xffff0000)
		dst, src = dst[4:], src[8:]
	}
	for i := range dst {
		dst[i] = FromBF16(binary.LittleEndian.Uint16(src[2*i:]))
	}
}
