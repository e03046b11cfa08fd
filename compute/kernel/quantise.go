package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/hachi-serve/hachi/compute/tensor"
)

// Quantise writes strips lo..hi-1 (tensor.BlockRows rows each) of w as Int8 or
// Int4 to dst, which is all of the quantised matrix. A weight that is no finite
// number, or a group too large for a scale in f16, is an error.
//
// Int8: d = max|w|/127 rounded to f16, q = w/d rounded to even. Int4: the range
// of the group and zero in 15 steps, d rounded to f16, the zero point rounded.
func (k *Kernels) Quantise(s *Scratch, dst []byte, to tensor.DType, w tensor.Weight, lo, hi int) error {
	strips, groups := tensor.Blocks(w.Rows, w.Cols)
	if !to.Quantised() || w.DType.Quantised() || lo < 0 || lo > hi || hi > strips || len(dst) != to.Bytes(w.Rows, w.Cols) ||
		len(w.Data) != w.DType.Bytes(w.Rows, w.Cols) {
		panic(fmt.Sprintf("kernel: quantise [%d, %d] %v in %d bytes to %v in %d, strips %d to %d", w.Rows, w.Cols, w.DType, len(w.Data), to, len(dst), lo, hi))
	}
	size := to.BlockBytes()
	for strip := lo; strip < hi; strip++ {
		blocks := dst[strip*groups*size : (strip+1)*groups*size]
		// Few groups of all rows at a time: a block is written 16 times over.
		for g := 0; g < groups; g += quantiseGroups {
			part := span{g, min(g+quantiseGroups, groups)}
			if err := k.quantiseStrip(&s.ints, blocks[part.lo*size:part.hi*size], to, w, strip, part); err != nil {
				return err
			}
		}
	}
	return nil
}

const quantiseGroups = 32

// quantiseStrip writes some groups of a strip.
func (k *Kernels) quantiseStrip(in *intScratch, blocks []byte, to tensor.DType, w tensor.Weight, strip int, part span) error {
	element, groups := w.DType.Size(), part.hi-part.lo
	from, end := part.lo*tensor.BlockCols, min(part.hi*tensor.BlockCols, w.Cols)
	grow(&in.padded, groups*tensor.BlockCols)
	for r := range tensor.BlockRows {
		n, o := 0, strip*tensor.BlockRows+r
		if o < w.Rows {
			n = end - from
			k.Unpack(in.padded[:n], w.Data[(o*w.Cols+from)*element:(o*w.Cols+end)*element], w.DType)
		}
		clear(in.padded[n:])
		if bad := k.quantiseInto(in, blocks, r, groups, to); bad >= 0 {
			return fmt.Errorf("row %d, columns %d to %d: not finite, or too large for a scale in f16", o,
				from+bad*tensor.BlockCols, min(from+(bad+1)*tensor.BlockCols, w.Cols)-1)
		}
	}
	return nil
}

// quantiseInto quantises the padded row as row r of blocks. It returns a group
// that cannot be quantised, or -1.
func (k *Kernels) quantiseInto(in *intScratch, blocks []byte, r, groups int, to tensor.DType) int {
	four, size := to == tensor.Int4, to.BlockBytes()
	most, inv := grow(&in.most, groups), grow(&in.inv, groups)
	if four {
		k.minMax(at(grow(&in.ranges, 2*groups), 0), at(in.padded, 0), groups)
	}
	k.absMax(at(most, 0), at(in.padded, 0), groups)
	for g, m := range most {
		block, ok := blocks[g*size:(g+1)*size], false
		if four {
			ok = scaleInt4(in, block, r, g)
		} else {
			inv[g], ok = setScale(block[512+2*r:], m/127)
		}
		if !ok || !(m <= math.MaxFloat32) {
			return g
		}
	}
	q, sums := grow(&in.q, groups*tensor.BlockCols), grow(&in.sums, groups)
	k.quant(unsafe.Pointer(&q[0]), unsafe.Pointer(&sums[0]), at(in.padded, 0), at(inv, 0), groups)
	for g := range groups {
		group := (*[tensor.BlockCols]byte)(unsafe.Pointer(&q[g*tensor.BlockCols]))
		if four {
			putInt4((*[tensor.Int4Block]byte)(blocks[g*size:]), r, group)
		} else {
			putInt8((*[tensor.Int8Block]byte)(blocks[g*size:]), r, group)
		}
	}
	return -1
}

// setScale stores a scale in f16 and returns its inverse. False when it is
// infinite.
func setScale(to []byte, d float32) (inv float32, ok bool) {
	half := tensor.ToF16(d)
	binary.LittleEndian.PutUint16(to, half)
	if d = tensor.FromF16(half); d > 0 {
		inv = 1 / d
	}
	return inv, d <= math.MaxFloat32
}

// scaleInt4 spans the group and zero with 15 steps.
func scaleInt4(in *intScratch, block []byte, r, g int) (ok bool) {
	lo, hi := min(0, in.ranges[2*g]), max(0, in.ranges[2*g+1])
	in.inv[g], ok = setScale(block[256+2*r:], hi/15-lo/15)
	block[288+r] = byte(min(15, math.RoundToEven(float64(float32(-lo*in.inv[g])))))
	return ok
}

// putInt8 stores 32 integers of row r, four columns at a time.
func putInt8(block *[tensor.Int8Block]byte, r int, q *[tensor.BlockCols]byte) {
	for s := range 8 {
		v := binary.LittleEndian.Uint32(q[4*s : 4*s+4])
		binary.LittleEndian.PutUint32(block[64*s+4*r:], v^0x80808080)
	}
}

// putInt4 adds the row's zero point and keeps the result in 0..15: the integers
// reach 16 where both were rounded up.
func putInt4(block *[tensor.Int4Block]byte, r int, q *[tensor.BlockCols]byte) {
	zero := uint32(block[288+r]) * 0x01010101
	nibbles := func(v uint32) uint32 {
		v = addBytes(v, zero)
		return (v | (v>>4&0x01010101)*15) & 0x0f0f0f0f
	}
	for s := range 4 {
		lo, hi := binary.LittleEndian.Uint32(q[4*s:4*s+4]), binary.LittleEndian.Uint32(q[16+4*s:20+4*s])
		binary.LittleEndian.PutUint32(block[64*s+4*r:], nibbles(lo)|nibbles(hi)<<4)
	}
}

// addBytes adds four bytes without carries between them.
func addBytes(a, b uint32) uint32 {
	const low = 0x7f7f7f7f
	return (a&low + b&low) ^ (a^b)&^low
}
