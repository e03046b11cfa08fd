package kernel

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// Quantize writes strips lo..hi-1 of w in a quantized format to dst, which is all
// of the quantized matrix. A weight that is not finite, or a group too large for
// a scale, is an error.
//
//	Int8   d = f16(max|w| / 127)   q = round(w/d)           to even
//	Int4   d = f16(m / -8)         q = min(round(w/d), 7)   m: the w of the largest magnitude
//	other  the format's own Quantize
//
// Formats without a Quantize are imported, never quantized here.
func (k *Kernels) Quantize(s *Scratch, dst []byte, to tensor.DType, w tensor.Weight, lo, hi int) error {
	strips, groups := to.Blocks(w.Rows, w.Cols)
	if to.Format().Quantize == nil || w.DType.Quantized() || lo < 0 || lo > hi || hi > strips || len(dst) != to.Bytes(w.Rows, w.Cols) ||
		len(w.Data) != w.DType.Bytes(w.Rows, w.Cols) {
		panic(fmt.Sprintf("kernel: quantize [%d, %d] %v in %d bytes to %v in %d, strips %d to %d", w.Rows, w.Cols, w.DType, len(w.Data), to, len(dst), lo, hi))
	}
	if blockSlot(to) < 0 {
		return k.quantizeRows(s, dst, to, w, lo, hi)
	}
	size := to.BlockBytes()
	for strip := lo; strip < hi; strip++ {
		blocks := dst[strip*groups*size : (strip+1)*groups*size]
		// Few groups of all rows at a time: every block is written 16 times, once
		// for each of its rows, and should stay in the cache meanwhile.
		for g := 0; g < groups; g += quantizeGroups {
			part := span{g, min(g+quantizeGroups, groups)}
			if err := k.quantizeStrip(&s.ints, blocks[part.lo*size:part.hi*size], to, w, strip, part); err != nil {
				return err
			}
		}
	}
	return nil
}

// quantizeRows is Quantize by the definition of the format.
func (k *Kernels) quantizeRows(s *Scratch, dst []byte, to tensor.DType, w tensor.Weight, lo, hi int) error {
	f, size, row := to.Format(), w.Cols*w.DType.Size(), fit(&s.wide, w.Cols)
	for r := lo * f.Rows; r < hi*f.Rows; r++ {
		clear(row)
		if r < w.Rows {
			k.Unpack(row, w.Data[r*size:(r+1)*size], w.DType)
		}
		if bad := tensor.Quantize(dst, to, r, row); bad >= 0 {
			return fmt.Errorf("row %d, columns %d to %d: not finite, or too large for a scale of %v", r, bad, min(bad+f.Cols, w.Cols)-1, to)
		}
	}
	return nil
}

// quantizeGroups is the number of groups that are quantized at a time.
const quantizeGroups = 32

// quantizeStrip writes groups part of a strip.
func (k *Kernels) quantizeStrip(in *intScratch, blocks []byte, to tensor.DType, w tensor.Weight, strip int, part span) error {
	element, groups := w.DType.Size(), part.len()
	from, end := part.lo*tensor.GroupCols, min(part.hi*tensor.GroupCols, w.Cols)
	grow(&in.padded, groups*tensor.GroupCols)
	for r := range tensor.BlockRows {
		n, o := 0, strip*tensor.BlockRows+r
		if o < w.Rows {
			n = end - from
			k.Unpack(in.padded[:n], w.Data[(o*w.Cols+from)*element:(o*w.Cols+end)*element], w.DType)
		}
		clear(in.padded[n:])
		if bad := k.quantizeInto(in, blocks, r, groups, to); bad >= 0 {
			return fmt.Errorf("row %d, columns %d to %d: not finite, or too large for a scale in f16", o,
				from+bad*tensor.GroupCols, min(from+(bad+1)*tensor.GroupCols, w.Cols)-1)
		}
	}
	return nil
}

// quantizeInto quantizes in.padded as row r of blocks. It returns a group that
// cannot be quantized, or -1.
func (k *Kernels) quantizeInto(in *intScratch, blocks []byte, r, groups int, to tensor.DType) int {
	if bad := k.scaleRow(in, blocks, r, groups, to); bad >= 0 {
		return bad
	}
	size := to.BlockBytes()
	q, sums := grow(&in.q, groups*tensor.GroupCols), grow(&in.sums, groups)
	k.quant(unsafe.Pointer(&q[0]), unsafe.Pointer(&sums[0]), at(in.padded, 0), at(in.inv, 0), groups)
	for g := range groups {
		group := (*[tensor.GroupCols]byte)(unsafe.Pointer(&q[g*tensor.GroupCols]))
		if to == tensor.Int4 {
			putInt4((*[tensor.Int4Block]byte)(blocks[g*size:]), r, group)
		} else {
			putInt8((*[tensor.Int8Block]byte)(blocks[g*size:]), r, group)
		}
	}
	return -1
}

// scaleRow stores the scales of in.padded and leaves their inverses in in.inv.
// It returns a group whose scale is not finite in f16, or -1.
func (k *Kernels) scaleRow(in *intScratch, blocks []byte, r, groups int, to tensor.DType) int {
	whole := (groups + Lanes - 1) &^ (Lanes - 1)
	d, inv, half := grow(&in.absMax, whole), grow(&in.inv, whole), grow(&in.half, whole)
	find, steps := k.absMax, float32(127)
	if to == tensor.Int4 {
		find, steps = k.signedMax, -8
	}
	find(at(d, 0), at(in.padded, 0), groups)
	for g := range groups {
		d[g] /= steps
	}
	k.scales(unsafe.Pointer(&half[0]), at(inv, 0), at(d, 0), whole)
	size := to.BlockBytes()
	for g, h := range half[:groups] {
		if h&0x7c00 == 0x7c00 { // infinity or NaN
			return g
		}
		binary.LittleEndian.PutUint16(blocks[(g+1)*size-2*tensor.BlockRows+2*r:], h)
	}
	return -1
}

// putInt8 stores 32 integers of row r plus 128, four columns at a time.
func putInt8(block *[tensor.Int8Block]byte, r int, q *[tensor.GroupCols]byte) {
	for s := range 8 {
		v := binary.LittleEndian.Uint32(q[4*s : 4*s+4])
		binary.LittleEndian.PutUint32(block[64*s+4*r:], v^0x80808080)
	}
}

// putInt4 stores min(max(q+8, 0), 15). q is in -8..8, or in -12..12 where the
// scale is subnormal in f16 and has lost bits.
func putInt4(block *[tensor.Int4Block]byte, r int, q *[tensor.GroupCols]byte) {
	nibbles := func(v uint32) uint32 {
		v = addBytes(v, 0x08080808)
		over, under := v>>4&0x01010101, v>>7&0x01010101
		return (v | over*15) & 0x0f0f0f0f &^ (under * 15)
	}
	for s := range 4 {
		lo, hi := binary.LittleEndian.Uint32(q[4*s:4*s+4]), binary.LittleEndian.Uint32(q[16+4*s:20+4*s])
		binary.LittleEndian.PutUint32(block[64*s+4*r:], nibbles(lo)|nibbles(hi)<<4)
	}
}

// addBytes adds four bytes; no carry crosses from one to the next.
func addBytes(a, b uint32) uint32 {
	const low = 0x7f7f7f7f
	return (a&low + b&low) ^ (a^b)&^low
}
