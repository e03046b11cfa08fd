package cuda

import (
	"encoding/binary"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// stripRows says which matrix and row each of the 16 rows of a strip is.
type stripRows struct {
	format tensor.DType
	row    func(strip, i int) (w *tensor.Weight, row int)
}

// alternating has 8 rows of w1 and the same 8 of w3 in a strip.
func alternating(w1, w3 tensor.Weight) stripRows {
	return stripRows{w1.DType, func(strip, i int) (*tensor.Weight, int) {
		if i < 8 {
			return &w1, strip*8 + i
		}
		return &w3, strip*8 + i - 8
	}}
}

// stacked has 16 rows of matrices of one format, which lie one above the other.
func stacked(all ...tensor.Weight) stripRows {
	return stripRows{all[0].DType, func(strip, i int) (*tensor.Weight, int) {
		row, last := strip*16+i, len(all)-1
		for m := range all[:last] {
			if row < all[m].Rows {
				return &all[m], row
			}
			row -= all[m].Rows
		}
		return &all[last], row
	}}
}

// codes are 64 columns of a row: bf16, or q and the bits of the scale of each 32.
type codes struct {
	q     [64]uint16
	scale [2]uint16
}

// writeStrip writes the blocks of one strip as kernels/widen.cuh says.
func writeStrip(dst []byte, rows stripRows, strip, columns int) {
	size := blockBytes(rows.format)
	clear(dst)
	for i := range 16 {
		w, row := rows.row(strip, i)
		for block := range columns / 64 {
			c := readCodes(w, row, block*64)
			putRow(dst[block*size:(block+1)*size], rows.format, i, &c)
		}
	}
}

// putRow writes row i of a block, which is as kernels/widen.cuh says. Of 4 bits it adds
// to a block of zeros.
func putRow(block []byte, format tensor.DType, i int, c *codes) {
	if format == tensor.Int4 || format == tensor.MXFP4 {
		for k, q := range c.q {
			lane, at := fragmentAt(i, k)
			register, half := at/2%4, at%2
			block[lane*16+at/8*4+half*2+register/2] |= byte(q << (register % 2 * 4))
		}
	} else {
		width := 1
		if format == tensor.BF16 {
			width = 2
		}
		for k, q := range c.q {
			lane, at := fragmentAt(i, k)
			at *= width
			to := block[at/16*512+lane*16+at%16:]
			to[0] = byte(q)
			if width == 2 {
				to[1] = byte(q >> 8)
			}
		}
	}
	for group, s := range c.scale {
		switch at := (i%8*2+i/8)*2 + group; format {
		case tensor.Int8:
			binary.LittleEndian.PutUint16(block[1024+2*at:], s)
		case tensor.Int4:
			binary.LittleEndian.PutUint16(block[512+2*at:], s)
		case tensor.MXFP4:
			block[512+at] = byte(s)
		}
	}
}

// fragmentAt is the lane of mma.m16n8k16 that holds row i and column k of 64, and
// which of its elements that is.
func fragmentAt(i, k int) (lane, at int) {
	register := k%16/8*2 + i/8
	return i%8*4 + k%8/2, (k/16*4+register)*2 + k%2
}

// readCodes reads 64 columns of a row. What lies beyond the matrix is zero.
func readCodes(w *tensor.Weight, row, from int) (c codes) {
	if w.DType == tensor.BF16 {
		if row < w.Rows {
			for k := 0; k < 64 && from+k < w.Cols; k++ {
				c.q[k] = binary.LittleEndian.Uint16(w.Data[2*(row*w.Cols+from+k):])
			}
		}
		return c
	}
	f := w.DType.Format()
	_, blocks := w.DType.Blocks(w.Rows, w.Cols)
	for group := range c.scale {
		block := from/f.Cols + group
		if row >= w.Rows || block >= blocks {
			continue // a scale of zero
		}
		at := (row/f.Rows*blocks + block) * f.Bytes
		readGroup(c.q[group*32:(group+1)*32], &c.scale[group], w.Data[at:at+f.Bytes], w.DType, row%f.Rows)
	}
	return c
}

// readGroup reads a row of a block of 32 columns, whose layout package tensor says.
func readGroup(q []uint16, scale *uint16, block []byte, format tensor.DType, r int) {
	switch format {
	case tensor.Int8:
		for k := range q {
			q[k] = uint16(block[k/4*64+4*r+k%4])
		}
		*scale = binary.LittleEndian.Uint16(block[512+2*r:])
	case tensor.Int4:
		for k := range 16 {
			b := uint16(block[k/4*64+4*r+k%4])
			q[k], q[16+k] = b&15, b>>4
		}
		*scale = binary.LittleEndian.Uint16(block[256+2*r:])
	case tensor.MXFP4:
		for k := range 16 {
			q[2*k], q[2*k+1] = uint16(block[k]&15), uint16(block[k]>>4)
		}
		*scale = uint16(block[16])
	}
}
