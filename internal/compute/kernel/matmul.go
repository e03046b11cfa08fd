package kernel

import (
	"fmt"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// MatMul writes columns lo..hi-1 of y [rows, w.Rows] = x [rows, w.Cols] times w
// transposed. Nothing outside these columns is touched, so threads may share y.
// An element of y depends on one row of x and one of w alone.
func (k *Kernels) MatMul(s *Scratch, y, x tensor.Matrix, w tensor.Weight, lo, hi int) {
	checkProduct(output{y, 0}, x, w, lo, hi)
	for i := 0; i < x.Rows; {
		rows := span{0, x.Rows}.even(i, formOf(w.DType).rows())
		part := x.Slice(i, i+rows)
		k.prepare(s, part, w.DType)
		k.multiply(s, output{y.Slice(i, i+rows), 0}, part, w, lo, hi)
		i += rows
	}
}

// GatedUp writes columns lo..hi-1 of y [rows, w1.Rows] = SiLU(x w1) * (x w3).
// Either both matrices are quantized or none is; of one type is faster.
func (k *Kernels) GatedUp(s *Scratch, y, x tensor.Matrix, w1, w3 tensor.Weight, lo, hi int) {
	checkProduct(output{y, 0}, x, w1, lo, hi)
	if w1.DType.Quantized() != w3.DType.Quantized() {
		panic(fmt.Sprintf("kernel: w1 is %v, w3 %v", w1.DType, w3.DType))
	}
	for i := 0; i < x.Rows; {
		rows := span{0, x.Rows}.even(i, formOf(w1.DType).rows())
		part, out := x.Slice(i, i+rows), y.Slice(i, i+rows)
		width := gatedWidth(rows, formOf(w1.DType))
		up := tensor.Matrix{Rows: rows, Cols: width, Stride: width, Data: fit(&s.up, rows*width)}
		k.prepare(s, part, w1.DType)
		for o := lo; o < hi; o += width {
			end := min(o+width, hi)
			checkProduct(output{up, o}, part, w3, o, end)
			k.multiply(s, output{out, 0}, part, w1, o, end)
			if w1.DType != w3.DType {
				k.prepare(s, part, w3.DType)
			}
			k.multiply(s, output{up, o}, part, w3, o, end)
			if w1.DType != w3.DType {
				k.prepare(s, part, w1.DType)
			}
			for r := range rows {
				k.SiLUMul(out.Row(r)[o:end], up.Row(r)[:end-o])
			}
		}
		i += rows
	}
}

// gatedWidth is how many rows of w1 are read before those of w3: every turn
// interrupts the stream from memory.
func gatedWidth(rows int, f form) int {
	switch {
	case rows <= streamRows:
		return streamW
	case f == paired:
		return gatedW
	}
	return blockW
}

// form is how prepare leaves rows of x.
type form int

const (
	natural  form = iota // f32 in their order
	paired               // see pairs
	integers             // see quantize
)

func formOf(d tensor.DType) form {
	switch {
	case d.Quantized():
		return integers
	case d == tensor.BF16:
		return paired
	}
	return natural
}

// rows is how many rows of x are packed at once. Packed rows serve all pieces of
// a product, so the most are best; pairs walk some of them at a time.
func (f form) rows() int {
	if f == paired {
		return pairRows
	}
	return blockX
}

// output is a matrix whose column 0 is column base of a product.
type output struct {
	tensor.Matrix
	base int
}

func (o output) at(row, col int) unsafe.Pointer { return at(o.Data, row*o.Stride+col-o.base) }

// prepare packs rows of x, at most as many as their form takes, for products with weights of d.
func (k *Kernels) prepare(s *Scratch, x tensor.Matrix, d tensor.DType) {
	if x.Cols == 0 || s.hold.packed(x, d) || d.Quantized() && s.ints.recall(s.hold) {
		return
	}
	switch f := formOf(d); {
	case f == integers:
		k.quantize(s, x, d)
	case f == paired:
		k.packPairs(s, x)
	case x.Rows > streamRows:
		k.packX(s, x)
	}
}

// multiply is MatMul for rows that are prepared and checked.
func (k *Kernels) multiply(s *Scratch, y output, x tensor.Matrix, w tensor.Weight, lo, hi int) {
	if x.Cols == 0 {
		for i := range x.Rows {
			clear(y.Row(i)[lo-y.base : hi-y.base])
		}
		return
	}
	switch formOf(w.DType) {
	case integers:
		k.multiplyQuantized(s, y, w, x.Rows, lo, hi)
	case paired:
		k.multiplyPairs(s, y, w, lo, hi)
	case natural:
		k.multiplyNatural(s, y, x, w, lo, hi)
	}
}

// multiplyNatural is multiply for f32 and f16 weights.
func (k *Kernels) multiplyNatural(s *Scratch, y output, x tensor.Matrix, w tensor.Weight, lo, hi int) {
	whole := lo + (hi-lo)&^(tileRows-1)
	if x.Rows <= streamRows {
		k.stream(s, y, x, w, lo, whole)
	} else {
		for o := lo; o < whole; o += blockW {
			k.block(s, y, w, x.Rows, span{o, min(o+blockW, whole)})
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
		len(w.Data) < w.DType.Bytes(w.Rows, w.Cols) || !fits(x) || !fits(y.Matrix) {
		panic(fmt.Sprintf("kernel: x [%d, %d] in %d, w [%d, %d] %v in %d bytes, y [%d, %d] in %d, columns %d to %d", x.Rows, x.Cols, len(x.Data),
			w.Rows, w.Cols, w.DType, len(w.Data), y.Rows, y.Cols, len(y.Data), lo, hi))
	}
}

// span is a half-open range.
type span struct{ lo, hi int }

// even is how many of the range's elements from..hi-1 the next piece takes: at
// most size, and evenly many, since a small rest costs as much as a whole piece.
func (r span) even(from, size int) int {
	left := r.hi - from
	pieces := (left + size - 1) / size
	return (left + pieces - 1) / pieces
}

// next is the number of rows of x the next tile takes.
func (r span) next(from int) int { return r.even(from, tileCols) }

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
