package kernel

import (
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// packed is the number of floats that a row of n elements takes when packed.
func packed(n int) int { return (n + Lanes - 1) &^ (Lanes - 1) }

// packX packs rows of x, tile by tile; in every step of Lanes elements, the
// rows of the tile. It pads the tail of K with zeros.
func (k *Kernels) packX(s *Scratch, x tensor.Matrix) {
	width, rows := packed(x.Cols), span{0, x.Rows}
	out := fit(&s.x, x.Rows*width)
	for i := 0; i < x.Rows; {
		c := rows.tile(i)
		for r := range c {
			row := x.Row(i + r)
			k.packRow(out[r*Lanes:], unsafe.Pointer(&row[0]), tensor.F32, len(row), c)
		}
		out = out[c*width:]
		i += c
	}
}

// packRow packs n elements of d as one of c rows of a micro-panel.
func (k *Kernels) packRow(dst []float32, src unsafe.Pointer, d tensor.DType, n, c int) {
	whole := n &^ (Lanes - 1)
	if whole > 0 {
		k.unpack[slot(d)](at(dst, 0), src, whole, 4*Lanes*c)
	}
	if whole < n {
		rest := dst[whole*c:][:Lanes]
		clear(rest)
		tensor.Decode(rest[:n-whole], unsafe.Slice((*byte)(unsafe.Add(src, whole*d.Size())), (n-whole)*d.Size()), d)
	}
}

// packW widens and packs rows cols of w, elements k0..k0+n-1 of each, into
// micro-panels of tileRows rows.
func (k *Kernels) packW(s *Scratch, w tensor.Weight, cols span, k0, n int) []float32 {
	size := w.DType.Size()
	out := fit(&s.panel, blockW*blockK)
	for col := cols.lo; col < cols.hi; col++ {
		group, r := (col-cols.lo)/tileRows, (col-cols.lo)%tileRows
		k.packRow(out[group*tileRows*packed(n)+r*Lanes:], unsafe.Pointer(&w.Data[(col*w.Cols+k0)*size]), w.DType, n, tileRows)
	}
	return out
}

// multiplyBlock multiplies m packed rows of x with a block of rows of w. It
// walks K once, panel by panel, while the lanes of all outputs wait in memory.
func (k *Kernels) multiplyBlock(s *Scratch, y output, w tensor.Weight, m int, cols span) {
	rows := span{0, m}
	fit(&s.lanes, max(tileCols*tileRows, m*cols.len())*Lanes)
	for k0 := 0; k0 < w.Cols; k0 += blockK {
		n := min(blockK, w.Cols-k0)
		k.multiplyPanel(s, k.packW(s, w, cols, k0, n), rows, cols, k0, packed(n), packed(w.Cols))
	}
	lanes := 0
	for i := 0; i < m; {
		c := rows.tile(i)
		for col := cols.lo; col < cols.hi; col += tileRows {
			k.reduce(y.at(i, col), at(s.lanes, lanes), 4*y.Stride, c)
			lanes += c * tileRows * Lanes
		}
		i += c
	}
}

// multiplyPanel is the macro-kernel: it adds the products of elements
// k0..k0+n-1 of K to the lanes. width is the packed length of a row of x. A tile
// of x stays in the first-level cache while all of the panel of w passes by.
func (k *Kernels) multiplyPanel(s *Scratch, panel []float32, rows, cols span, k0, n, width int) {
	lanes, x := 0, 0
	for i := rows.lo; i < rows.hi; {
		c := rows.tile(i)
		for col := cols.lo; col < cols.hi; col += tileRows {
			k.packedTile[c-1](at(s.lanes, lanes), at(s.x, x+k0*c), at(panel, (col-cols.lo)*n), n/Lanes, k0)
			lanes += c * tileRows * Lanes
		}
		x += c * width
		i += c
	}
}
