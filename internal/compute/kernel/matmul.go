package kernel

import (
	"fmt"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// MatMul writes columns lo..hi-1 of y [rows, w.Rows] = x [rows, w.Cols] times w
// transposed. It touches nothing outside these columns, so threads may share y.
// An element of y depends on one row of x and one row of w only.
func (k *Kernels) MatMul(s *Scratch, y, x tensor.Matrix, w tensor.Weight, lo, hi int) {
	checkProduct(output{y, 0}, x, w, lo, hi)
	for i := 0; i < x.Rows; {
		rows := span{0, x.Rows}.piece(i, k.formOf(w.DType).rows())
		part := x.Slice(i, i+rows)
		k.prepare(s, part, w.DType)
		k.multiply(s, output{y.Slice(i, i+rows), 0}, part, w, lo, hi)
		i += rows
	}
}

// SwiGLU writes columns lo..hi-1 of y [rows, w1.Rows] = SiLU(x w1) * (x w3).
// Either both matrices are quantized or neither is. It is faster if both have
// one type: then rows of x are packed once for both.
func (k *Kernels) SwiGLU(s *Scratch, y, x tensor.Matrix, w1, w3 tensor.Weight, lo, hi int) {
	checkProduct(output{y, 0}, x, w1, lo, hi)
	if w1.DType.Quantized() != w3.DType.Quantized() {
		panic(fmt.Sprintf("kernel: w1 is %v, w3 %v", w1.DType, w3.DType))
	}
	for i := 0; i < x.Rows; {
		rows := span{0, x.Rows}.piece(i, k.formOf(w1.DType).rows())
		part, out := x.Slice(i, i+rows), y.Slice(i, i+rows)
		width := swigluWidth(rows, k.formOf(w1.DType))
		up := tensor.Matrix{Rows: rows, Cols: width, Stride: width, Data: fit(&s.up, rows*width)}
		k.prepare(s, part, w1.DType)
		for o := lo; o < hi; o += width {
			end := min(o+width, hi)
			checkProduct(output{up, o}, part, w3, o, end)
			s.pairs.follow(w3, o)
			k.multiply(s, output{out, 0}, part, w1, o, end)
			if w1.DType != w3.DType {
				k.prepare(s, part, w3.DType)
			}
			s.pairs.follow(w1, end)
			k.multiply(s, output{up, o}, part, w3, o, end)
			s.pairs.then = nil
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

// swigluWidth is how many rows of w1 are read before as many rows of w3. Fewer
// would interrupt the stream from memory more often; more would let the results
// of w1 leave the cache before they are multiplied with those of w3.
func swigluWidth(rows int, f form) int {
	switch {
	case rows <= streamRows:
		return streamW
	case f == paired || f == inRuns:
		return swigluW
	}
	return blockW
}

// form is how prepare leaves rows of x.
type form int

const (
	natural  form = iota // f32, in the order of K
	widened              // the same; weights are widened to f32 first
	paired               // see pairKernels
	inRuns               // see runKernels
	integers             // see quantize
)

func (k *Kernels) formOf(d tensor.DType) form {
	switch {
	case blockSlot(d) >= 0:
		return integers
	case d.Quantized():
		return widened
	case d == tensor.BF16 && k.inRuns:
		return inRuns
	case d == tensor.BF16:
		return paired
	}
	return natural
}

// rows is the maximum number of rows of x that are packed at once. Packed rows
// serve all blocks of w: the more rows, the better, while they stay in a cache.
func (f form) rows() int {
	if f == paired || f == inRuns {
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

// prepare packs rows of x, at most form.rows of them, for products with weights
// of d. It does nothing if the Scratch holds them already, see Hold.
func (k *Kernels) prepare(s *Scratch, x tensor.Matrix, d tensor.DType) {
	f := k.formOf(d)
	if x.Cols == 0 || s.held.replace(x, d) || f == integers && s.ints.recall(s.held) {
		return
	}
	switch {
	case f == integers:
		k.quantize(s, x, d)
	case f == paired:
		k.packPairs(s, x)
	case f == inRuns:
		k.packRuns(&s.runs, x)
	case x.Rows > streamRows:
		k.packX(s, x)
	}
}

// multiply is MatMul for rows of x that prepare has packed, and operands that
// checkProduct has accepted.
func (k *Kernels) multiply(s *Scratch, y output, x tensor.Matrix, w tensor.Weight, lo, hi int) {
	if x.Cols == 0 {
		for i := range x.Rows {
			clear(y.Row(i)[lo-y.base : hi-y.base])
		}
		return
	}
	switch k.formOf(w.DType) {
	case integers:
		k.multiplyQuantized(s, y, w, x.Rows, lo, hi)
	case paired:
		k.multiplyPairs(s, y, w, lo, hi)
	case inRuns:
		k.multiplyRuns(s, y, w, lo, hi)
	case natural:
		k.multiplyNatural(s, y, x, w, lo, hi)
	case widened:
		k.multiplyWidened(s, y, x, w, lo, hi)
	}
}

// multiplyWidened is multiply for formats without a micro-kernel: it widens
// blockW rows of w to f32 by the definition of the format and multiplies those.
func (k *Kernels) multiplyWidened(s *Scratch, y output, x tensor.Matrix, w tensor.Weight, lo, hi int) {
	for col := lo; col < hi; col += blockW {
		n := min(blockW, hi-col)
		rows := fit(&s.wide, n*w.Cols)
		for r := range n {
			tensor.Dequantize(rows[r*w.Cols:(r+1)*w.Cols], w, col+r)
		}
		wide := tensor.Weight{DType: tensor.F32, Rows: n, Cols: w.Cols, Data: bytesOf(rows)}
		k.multiplyNatural(s, output{y.Matrix, y.base - col}, x, wide, 0, n)
	}
}

// multiplyNatural is multiply for f32 and f16 weights.
func (k *Kernels) multiplyNatural(s *Scratch, y output, x tensor.Matrix, w tensor.Weight, lo, hi int) {
	whole := lo + (hi-lo)&^(tileRows-1)
	if x.Rows <= streamRows {
		k.multiplyInPlace(s, y, x, w, lo, whole)
	} else {
		for col := lo; col < whole; col += blockW {
			k.multiplyBlock(s, y, w, x.Rows, span{col, min(col+blockW, whole)})
		}
	}
	for col := whole; col < hi; col++ {
		k.multiplyColumn(s, y, x, w, col)
	}
}

// checkProduct panics unless all operands have the bytes that their shapes say:
// the kernels read and write by address.

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

// span is the half-open range lo..hi-1.
type span struct{ lo, hi int }

func (r span) len() int { return r.hi - r.lo }

// piece splits from..hi-1 into the fewest pieces of at most size and of even
// length, and returns the length of the first: a short last piece costs as much
// as a full one.
func (r span) piece(from, size int) int {
	left := r.hi - from
	pieces := (left + size - 1) / size
	return (left + pieces - 1) / pieces
}

// tile is the number of rows of x that the tile at row from takes.
func (r span) tile(from int) int { return r.piece(from, tileCols) }

// operands say where a tile reads, see tileKernel.
type operands struct {
	x, w             unsafe.Pointer
	xStride, wStride int // bytes
	dtype            tensor.DType
	n                int // elements of K
	ahead            int // bytes
}

// multiplyInPlace reads x and w where they lie, tileRows rows of w at a time,
// and prefetches the next tileRows meanwhile. With few rows of x, packing weights
// would cost more than it saves.
func (k *Kernels) multiplyInPlace(s *Scratch, y output, x tensor.Matrix, w tensor.Weight, lo, hi int) {
	stride := w.Cols * w.DType.Size()
	rows := span{0, x.Rows}
	for col := lo; col < hi; col += tileRows {
		for i := 0; i < x.Rows; {
			c := rows.tile(i)
			k.runTile(s, c, operands{
				x: at(x.Data, i*x.Stride), w: unsafe.Pointer(&w.Data[col*stride]), xStride: 4 * x.Stride, wStride: stride,
				dtype: w.DType, n: w.Cols, ahead: tileRows * stride,
			})
			k.reduce(y.at(i, col), at(s.lanes, 0), 4*y.Stride, c)
			i += c
		}
	}
}

// multiplyColumn computes one column of y: a tile whose tileRows rows are all
// row col of w.
func (k *Kernels) multiplyColumn(s *Scratch, y output, x tensor.Matrix, w tensor.Weight, col int) {
	stride := w.Cols * w.DType.Size()
	rows := span{0, x.Rows}
	for i := 0; i < x.Rows; {
		c := rows.tile(i)
		k.runTile(s, c, operands{
			x: at(x.Data, i*x.Stride), w: unsafe.Pointer(&w.Data[col*stride]), xStride: 4 * x.Stride, dtype: w.DType, n: w.Cols,
		})
		k.storeColumn(s, y, i, col, c)
		i += c
	}
}

// storeColumn adds the lanes of a tile of c rows of x and stores the outputs of
// its first row of w as column col of y.
func (k *Kernels) storeColumn(s *Scratch, y output, row, col, c int) {
	k.reduce(at(s.outputs[:], 0), at(s.lanes, 0), 4*tileRows, c)
	for i := range c {
		y.Data[(row+i)*y.Stride+col-y.base] = s.outputs[i*tileRows]
	}
}

// runTile runs a tile of c rows of x for any length of K and leaves its lanes.
// The kernel takes whole groups of Lanes elements; the tail is copied and padded
// with zeros.
func (k *Kernels) runTile(s *Scratch, c int, o operands) {
	tile := k.tile[slot(o.dtype)][c-1]
	lanes, whole := at(s.lanes, 0), o.n&^(Lanes-1)
	if whole > 0 {
		tile(lanes, o.x, o.w, o.xStride, o.wStride, whole, o.ahead, 0)
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
	tile(lanes, at(s.tail.x[:], 0), unsafe.Pointer(&s.tail.w), 4*Lanes, Lanes*size, Lanes, 0, whole)
}
