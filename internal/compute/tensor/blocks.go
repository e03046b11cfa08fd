package tensor

import (
	"encoding/binary"
	"math"
)

// Int8, Int4 and Int4Affine matrices are made of blocks of BlockRows rows and a
// few groups of GroupCols columns.
//
// An Int8 block is one group, 544 bytes: for s = 0..7, for r = 0..15, for i =
// 0..3 the byte q+128 of row r and column 4s+i; then 16 scales d, f16, one per
// row. The weight is d*q with q in [-128, 127].
//
// An Int4 block is one group, 288 bytes: for s = 0..3, for r = 0..15, for i =
// 0..3 a byte whose low half is the q of row r, column 4s+i, and whose high half
// that of column 16+4s+i; then 16 scales d, f16. The weight is d*(q-8).
//
// An Int4Affine block is four groups, 1216 bytes: each has its q as in Int4,
// then 16 factors a, bytes, then 16 factors b, bytes; behind the four groups are
// 16 scales d, f16, and 16 scales m, f16. The weight is (d*a)*q - (m*b), all
// products being exact in f32.
//
// One register of 64 bytes holds 4 columns of all 16 rows, as the dot-product
// instructions of processors want them, and a row's scale is in a lane of its
// own, so that no sum ever crosses lanes.
const (
	BlockRows = 16
	GroupCols = 32

	Int8Block       = 512 + 2*BlockRows
	Int4Block       = 256 + 2*BlockRows
	AffineGroup     = 256 + 2*BlockRows
	AffineGroups    = 4
	Int4AffineBlock = AffineGroups*AffineGroup + 4*BlockRows
)

var (
	int8Format = Format{Name: "int8", Rows: BlockRows, Cols: GroupCols, Bytes: Int8Block, Dequantize: fromInt8, Quantize: toInt8}
	int4Format = Format{Name: "int4", Rows: BlockRows, Cols: GroupCols, Bytes: Int4Block, Dequantize: fromInt4, Quantize: toInt4}
	// Int4Affine is imported only: the choice of a minimum is that of the file.
	int4AffineFormat = Format{
		Name: "int4-affine", Rows: BlockRows, Cols: AffineGroups * GroupCols, Bytes: Int4AffineBlock, Dequantize: fromAffine,
	}
)

func half(block []byte, at int) float32 { return FromF16(binary.LittleEndian.Uint16(block[at:])) }

// int8At is where column j of row r is.
func int8At(r, j int) int { return j/4*64 + 4*r + j%4 }

func fromInt8(dst []float32, block []byte, r int) {
	d := half(block, 512+2*r)
	for j := range dst {
		dst[j] = d * float32(int(block[int8At(r, j)])-128)
	}
}

func fromInt4(dst []float32, block []byte, r int) {
	d := half(block, 256+2*r)
	for j := range GroupCols / 2 {
		b := int(block[int8At(r, j)])
		dst[j], dst[16+j] = d*float32(b&15-8), d*float32(b>>4-8)
	}
}

func fromAffine(dst []float32, block []byte, r int) {
	const scales = AffineGroups * AffineGroup
	for g := range AffineGroups {
		group := block[g*AffineGroup:]
		d := half(block, scales+2*r) * float32(group[256+r])
		m := half(block, scales+2*BlockRows+2*r) * float32(group[256+BlockRows+r])
		for j := range GroupCols / 2 {
			b := group[int8At(r, j)]
			dst[g*GroupCols+j] = float32(d*float32(b&15)) - m
			dst[g*GroupCols+16+j] = float32(d*float32(b>>4)) - m
		}
	}
}

// toInt8 quantizes with d = f16(max|w| / 127) and q = round(w/d), to even.
func toInt8(block []byte, r int, src []float32) bool {
	inverse, ok := putScale(block, 512+2*r, largest(src)/127)
	for j, v := range src {
		block[int8At(r, j)] = byte(128 + min(max(math.RoundToEven(float64(v*inverse)), -127), 127))
	}
	return ok
}

// toInt4 quantizes with d = f16(m / -8), m being the w of the largest magnitude,
// the positive one of two, and q = min(round(w/d), 7), to even.
func toInt4(block []byte, r int, src []float32) bool {
	m := largest(src)
	negative := true
	for _, v := range src {
		negative = negative && v != m
	}
	if negative {
		m = -m
	}
	inverse, ok := putScale(block, 256+2*r, m/-8)
	q := func(v float32) byte { return byte(8 + min(max(math.RoundToEven(float64(v*inverse)), -8), 7)) }
	for j := range GroupCols / 2 {
		block[int8At(r, j)] = q(src[j]) | q(src[16+j])<<4
	}
	return ok
}

// largest is the largest magnitude, or NaN if there is one.
func largest(src []float32) (m float32) {
	for _, v := range src {
		if a := float32(math.Abs(float64(v))); a > m || a != a {
			m = a
		}
		if m != m {
			break
		}
	}
	return m
}

// putScale stores a scale and returns the inverse of what was stored; that of
// zero is zero. It reports whether the scale is finite in f16.
func putScale(block []byte, at int, d float32) (inverse float32, ok bool) {
	h := ToF16(d)
	binary.LittleEndian.PutUint16(block[at:], h)
	if stored := FromF16(h); stored != 0 {
		inverse = 1 / stored
	}
	return inverse, h&0x7c00 != 0x7c00
}
