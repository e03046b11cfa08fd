package gguf

import (
	"encoding/binary"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

func half(b []byte) float32 { return tensor.FromF16(binary.LittleEndian.Uint16(b)) }

// repackQ80 puts a row of Q8_0 blocks in place r of Int8 blocks.
func repackQ80(blocks, row []byte, r int) {
	for g := 0; len(row) > 0; g, row = g+1, row[34:] {
		to := blocks[g*tensor.Int8Block:][:tensor.Int8Block]
		copy(to[512+2*r:][:2], row)
		for j, q := range row[2:34] {
			to[j/4*64+4*r+j%4] = q ^ 0x80
		}
	}
}

// repackQ40 puts a row of Q4_0 blocks in place r of Int4 blocks. Both pair
// column j with column 16+j in a byte.
func repackQ40(blocks, row []byte, r int) {
	for g := 0; len(row) > 0; g, row = g+1, row[18:] {
		to := blocks[g*tensor.Int4Block:][:tensor.Int4Block]
		copy(to[256+2*r:][:2], row)
		for j, q := range row[2:18] {
			to[j/4*64+4*r+j%4] = q
		}
	}
}

// repackQ50 puts a row of Q5_0 blocks in place r of Int8 blocks.
func repackQ50(blocks, row []byte, r int) {
	for g := 0; len(row) > 0; g, row = g+1, row[22:] {
		to := blocks[g*tensor.Int8Block:][:tensor.Int8Block]
		copy(to[512+2*r:][:2], row)
		for j, q := range fiveBits(row[2:6], row[6:22]) {
			to[j/4*64+4*r+j%4] = 128 - 16 + q
		}
	}
}

// repackMXFP4 turns a row of MXFP4 blocks into ours. Both have the same codes and
// scales; the file pairs column j with column 16+j in a byte, and has the scale
// first.
func repackMXFP4(blocks, row []byte, _ int) {
	for ; len(row) > 0; blocks, row = blocks[17:], row[17:] {
		for j, code := range fourBits(row[1:17]) {
			blocks[j/2] |= code << (j % 2 * 4)
		}
		blocks[16] = row[0]
	}
}

// hasNaN looks for the scale that makes a block of MXFP4 NaN.
func hasNaN(blocks []byte) bool {
	for at := 0; at < len(blocks); at += 17 {
		if blocks[at] == 255 {
			return true
		}
	}
	return false
}

// fourBits are the 32 integers of a block that pairs column j with column 16+j
// in a byte.
func fourBits(low []byte) (q [32]byte) {
	for j, b := range low[:16] {
		q[j], q[16+j] = b&15, b>>4
	}
	return q
}

// fiveBits are fourBits with a fifth bit, which is bit j of high.
func fiveBits(high, low []byte) [32]byte {
	q, bits := fourBits(low), binary.LittleEndian.Uint32(high)
	for j := range q {
		q[j] |= byte(bits>>j&1) << 4
	}
	return q
}

func widenQ80(dst []float32, row []byte) {
	for ; len(row) > 0; dst, row = dst[32:], row[34:] {
		d := half(row)
		for j, q := range row[2:34] {
			dst[j] = d * float32(int8(q))
		}
	}
}

func widenQ40(dst []float32, row []byte) {
	for ; len(row) > 0; dst, row = dst[32:], row[18:] {
		d := half(row)
		for j, q := range fourBits(row[2:18]) {
			dst[j] = d * float32(int(q)-8)
		}
	}
}

// widenQ41 has a scale and a minimum: the weight is d*q + m.
func widenQ41(dst []float32, row []byte) {
	for ; len(row) > 0; dst, row = dst[32:], row[20:] {
		d, m := half(row), half(row[2:])
		for j, q := range fourBits(row[4:20]) {
			dst[j] = float32(d*float32(q)) + m
		}
	}
}

func widenQ50(dst []float32, row []byte) {
	for ; len(row) > 0; dst, row = dst[32:], row[22:] {
		d := half(row)
		for j, q := range fiveBits(row[2:6], row[6:22]) {
			dst[j] = d * float32(int(q)-16)
		}
	}
}

func widenQ51(dst []float32, row []byte) {
	for ; len(row) > 0; dst, row = dst[32:], row[24:] {
		d, m := half(row), half(row[2:])
		for j, q := range fiveBits(row[4:8], row[8:24]) {
			dst[j] = float32(d*float32(q)) + m
		}
	}
}

func widenMXFP4(dst []float32, row []byte) {
	block := make([]byte, 17)
	for ; len(row) > 0; dst, row = dst[32:], row[17:] {
		clear(block)
		repackMXFP4(block, row[:17], 0)
		tensor.MXFP4.Format().Dequantize(dst[:32], block, 0)
	}
}

// repackQ4K puts a row of Q4_K blocks in place r of Int4Affine blocks, two for
// one: both multiply a scale and a minimum in f16 by a small integer per group.
// A byte of Q4_K holds the same column of two neighboring groups.
func repackQ4K(blocks, row []byte, r int) {
	for g := 0; len(row) > 0; row = row[144:] {
		d, packed, q := row[:4], row[4:16], row[16:144]
		for in := range 8 {
			block := blocks[g/tensor.AffineGroups*tensor.Int4AffineBlock:][:tensor.Int4AffineBlock]
			to := block[g%tensor.AffineGroups*tensor.AffineGroup:]
			to[256+r], to[272+r] = sixBits(packed, in)
			for j := range 16 {
				lo, hi := q[in/2*32+j]>>(4*(in%2))&15, q[in/2*32+16+j]>>(4*(in%2))&15
				to[j/4*64+4*r+j%4] = lo | hi<<4
			}
			scales := block[tensor.AffineGroups*tensor.AffineGroup:]
			copy(scales[2*r:][:2], d)
			copy(scales[32+2*r:][:2], d[2:])
			g++
		}
	}
}

// widenQ4K is a row of blocks of 256: two scales, eight pairs of 6-bit scale and
// minimum, and nibbles. The weight is d*scale*q - dmin*minimum.
func widenQ4K(dst []float32, row []byte) {
	for ; len(row) > 0; dst, row = dst[256:], row[144:] {
		d, dmin, packed, q := half(row), half(row[2:]), row[4:16], row[16:144]
		for g := range 8 {
			scale, least := sixBits(packed, g)
			s, m := d*float32(scale), dmin*float32(least)
			for j := range 32 {
				v := q[g/2*32+j] >> (4 * (g % 2)) & 15
				dst[32*g+j] = float32(s*float32(v)) - m
			}
		}
	}
}

// widenQ5K is Q4_K with a fifth bit of every integer: bit g of byte j belongs to
// column j of group g.
func widenQ5K(dst []float32, row []byte) {
	for ; len(row) > 0; dst, row = dst[256:], row[176:] {
		d, dmin, packed, high, q := half(row), half(row[2:]), row[4:16], row[16:48], row[48:176]
		for g := range 8 {
			scale, least := sixBits(packed, g)
			s, m := d*float32(scale), dmin*float32(least)
			for j := range 32 {
				v := q[g/2*32+j]>>(4*(g%2))&15 | high[j]>>g&1<<4
				dst[32*g+j] = float32(s*float32(v)) - m
			}
		}
	}
}

// sixBits reads scale and minimum of group g from 12 bytes: those of groups 0..3
// are low bits, those of groups 4..7 are spread over three bytes.
func sixBits(b []byte, g int) (scale, least byte) {
	if g < 4 {
		return b[g] & 63, b[g+4] & 63
	}
	return b[g+4]&15 | b[g-4]>>6<<4, b[g+4]>>4 | b[g]>>6<<4
}

// widenQ6K is a row of blocks of 256: low nibbles, pairs of high bits, scales of
// 16 elements, one scale of all. The weight is d*scale*(q-32).
func widenQ6K(dst []float32, row []byte) {
	for ; len(row) > 0; dst, row = dst[256:], row[210:] {
		low, high, scales, d := row[:128], row[128:192], row[192:208], half(row[208:])
		for h := range 2 { // halves of 128
			for j := range 32 {
				bits := high[32*h+j]
				for part := range 4 {
					q := low[64*h+32*(part%2)+j]>>(4*(part/2))&15 | bits>>(2*part)&3<<4
					at := 128*h + 32*part + j
					dst[at] = d * float32(int8(scales[at/16])) * float32(int(q)-32)
				}
			}
		}
	}
}
