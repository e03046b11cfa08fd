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
