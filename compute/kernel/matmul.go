package kernel

import (
	"fmt"
	"unsafe"

	"github.com/hachi-serve/hachi/compute/tensor"
)

// MatMul writes columns lo..hi-1 of y [rows, w.Rows] = x [rows, w.Cols] times w
// transposed. Nothing outside these columns is touched, so threads may share y.
// An element of y depends on one row of x and one of w alone.
func (k *Kernels) MatMul(s *Scratch, y, x tensor.Matrix, w tensor.Weight, lo, hi int) {
	k.product(s, output{y, 0}, x, w, lo, hi)
}

// GatedUp writes columns lo..hi-1 of y [rows, w1.Rows] = SiLU(x w1) * (x w3).
func (k *Kernels) GatedUp(s *Scratch, y, x tensor.Matrix, w1, w3 tensor.Weight, lo, hi int) {
	up := tensor.Matrix{Rows: x.Rows, Cols: blockW, Stride: blockW, Data: fit(&s.up, x.Rows*blockW)}
	for o := lo; o < hi; o += blockW {
		end := min(o+blockW, hi)
		k.product(s, output{y, 0}, x, w1, o, end)
		k.product(s, output{up, o}, x, w3, o, end)
		for i := range x.Rows {
			k.SiLUMul(y.Row(i)[o:end], up.Row(i)[:end-o])
		}
	}
}

// output is a matrix whose column 0 is column base of a product.
type output struct {
	tensor.Matrix
	base int
}

func (o output) at(row, col int) unsafe.Pointer { return at(o.Data, row*o.Stride+col-o.base) }

// product is MatMul into an output.
func (k *Kernels) product(s *Scratch, y output, x tensor.Matrix, w tensor.Weight, lo, hi int) {
	checkProduct(y, x, w, lo, hi)
	if x.Rows == 0 || x.Cols == 0 {
		for i := range x.Rows {
			clear(y.Row(i)[lo-y.base : hi-y.base])
		}
		return
	}
	whole := lo + (hi-lo)&^(tileRows-1)
	if x.Rows <= streamRows {
		k.stream(s, y, x, w, lo, whole)
	} else {
		for o := lo; o < whole; o += blockW {
			for i := 0; i < x.Rows; i += blockX {
				k.block(s, y, x, w, span{o, min(o+blockW, whole)}, span{i, min(i+blockX, x.Rows)})
			}
		}
	}
	for o := whole; o < hi; o++ {
		k.single(s, y, x, w, o)
	}
}

func checkProduct(y output, x tensor.Matrix, w tensor.Weight, lo, hi int) {
	fits := func(m tensor.Matrix) bool {
		return m.Rows == 0 || m.Stride >= m.Cols && len(m.Data) >= (m.Rows-1)*m.Stride+m.Cols
	}
	if x.Cols != w.Cols || y.Rows != x.Rows || lo < max(0, y.base) || hi > min(w.Rows, y.base+y.Cols) || lo > hi ||
		len(w.Data) < w.Rows*w.Cols*w.DType.Size() || !fits(x) || !fits(y.Matrix) {
		panic(fmt.Sprintf("kernel: x [%d, %d] in %d, w [%d, %d] %v in %d bytes, y [%d, %d] in %d, columns %d to %d", x.Rows, x.Cols, len(x.Data),
			w.Rows, w.Cols, w.DType, len(w.Data), y.Rows, y.Cols, len(y.Data), lo, hi))
	}
}

// span is a half-open range.
type span struct{ lo, hi int }

// next is the number of rows of x the next tile takes: at most tileCols, and
// evenly many, since a tile of one row costs as many loads of w as one of six.
func (r span) next(from int) int {
	left := r.hi - from
	tiles := (left + tileCols - 1) / tileCols
	return (left + tiles - 1) / tiles
}

// operands say where a tile reads.
type operands struct {
	x, w             unsafe.Pointer
	xStride, wStride int // bytes
	dtype            tensor.DType
	n                int // elements of K
	ahead            int
}

// stream multiplies straight from the weights' bytes, tileRows rows at a time.
// While a group of rows is multiplied, the next is fetched.
func (k *Kernels) stream(s *Scratch, y output, x tensor.Matrix, w tensor.Weight, lo, hi int) {
	stride := w.Cols * w.DType.Size()
	rows := span{0, x.Rows}
	for o := lo; o < hi; o += tileRows {
		for i := 0; i < x.Rows; {
			c := rows.next(i)
			k.tileAt(s, at(s.lanes, 0), c, 0, operands{
				x: at(x.Data, i*x.Stride), w: unsafe.Pointer(&w.Data[o*stride]), xStride: 4 * x.Stride, wStride: stride,
				dtype: w.DType, n: w.Cols, ahead: tileRows * stride,
			})
			k.reduce(y.at(i, o), at(s.lanes, 0), 4*y.Stride, c)
			i += c
		}
	}
}

// single is one column of the product: the row of w four times over.
func (k *Kernels) single(s *Scratch, y output, x tensor.Matrix, w tensor.Weight, o int) {
	stride := w.Cols * w.DType.Size()
	rows := span{0, x.Rows}
	for i := 0; i < x.Rows; {
		c := rows.next(i)
		k.tileAt(s, at(s.lanes, 0), c, 0, operands{
			x: at(x.Data, i*x.Stride), w: unsafe.Pointer(&w.Data[o*stride]), xStride: 4 * x.Stride, dtype: w.DType, n: w.Cols,
		})
		k.reduce(at(s.quad[:], 0), at(s.lanes, 0), 4*tileRows, c)
		for j := range c {
			y.Data[(i+j)*y.Stride+o-y.base] = s.quad[j*tileRows]
		}
		i += c
	}
}

// block multiplies a block of x with a block of w. K is walked once, panel by
// panel; the lanes of all outputs wait in memory meanwhile.
func (k *Kernels) block(s *Scratch, y output, x tensor.Matrix, w tensor.Weight, cols, rows span) {
	fit(&s.lanes, max(tileCols*tileRows, (rows.hi-rows.lo)*(cols.hi-cols.lo))*Lanes)
	for k0 := 0; k0 < w.Cols; k0 += blockK {
		n := min(blockK, w.Cols-k0)
		panel := k.panel(s, w, cols, k0, n)
		lanes := 0
		for i := rows.lo; i < rows.hi; {
			c := rows.next(i)
			for o := cols.lo; o < cols.hi; o += tileRows {
				k.tileAt(s, at(s.lanes, lanes), c, k0, operands{
					x: at(x.Data, i*x.Stride+k0), w: unsafe.Add(panel.w, (o-cols.lo)*panel.wStride), xStride: 4 * x.Stride,
					wStride: panel.wStride, dtype: tensor.F32, n: n,
				})
				lanes += c * tileRows * Lanes
			}
			i += c
		}
	}
	lanes := 0
	for i := rows.lo; i < rows.hi; {
		c := rows.next(i)
		for o := cols.lo; o < cols.hi; o += tileRows {
			k.reduce(y.at(i, o), at(s.lanes, lanes), 4*y.Stride, c)
			lanes += c * tileRows * Lanes
		}
		i += c
	}
}

// panel widens rows cols of w from k0 on, n elements of each. Weights that are
// f32 already stay where they are.
func (k *Kernels) panel(s *Scratch, w tensor.Weight, cols span, k0, n int) operands {
	size := w.DType.Size()
	if w.DType == tensor.F32 {
		return operands{w: unsafe.Pointer(&w.Data[(cols.lo*w.Cols+k0)*size]), wStride: w.Cols * size}
	}
	out := fit(&s.panel, blockW*blockK)
	for o := cols.lo; o < cols.hi; o++ {
		k.Unpack(out[(o-cols.lo)*blockK:][:n], w.Data[(o*w.Cols+k0)*size:][:n*size], w.DType)
	}
	return operands{w: at(out, 0), wStride: 4 * blockK}
}

// tileAt runs a tile for any n. done is how much of K the lanes hold already.
func (k *Kernels) tileAt(s *Scratch, lanes unsafe.Pointer, c, done int, o operands) {
	tile := k.tile[slot(o.dtype)][c-1]
	whole := o.n &^ (Lanes - 1)
	if whole > 0 {
		tile(lanes, o.x, o.w, o.xStride, o.wStride, whole, o.ahead, done)
	}
	if whole == o.n {
		return
	}
	s.tail = tail{}
	size := o.dtype.Size()
	for i := range c {
		copy(s.tail.x[i*Lanes:], floats(unsafe.Add(o.x, i*o.xStride+4*whole), o.n-whole))
	}
	padded := unsafe.Slice((*byte)(unsafe.Pointer(&s.tail.w)), len(s.tail.w)*4)
	for r := range tileRows {
		copy(padded[r*Lanes*size:], unsafe.Slice((*byte)(unsafe.Add(o.w, r*o.wStride+whole*size)), (o.n-whole)*size))
	}
	tile(lanes, at(s.tail.x[:], 0), unsafe.Pointer(&s.tail.w), 4*Lanes, Lanes*size, Lanes, 0, done+whole)
}
