package kernel

import (
	"math"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// intScratch holds rows of x as integers, and what quantizing them needs.
type intScratch struct {
	padded []float32 // [K] of one row, padded to whole groups
	absMax []float32 // [groups] largest magnitudes
	scales []float32 // [groups]
	inv    []float32 // [groups]
	half   []uint16  // [groups] scales in f16, of weights
	sums   []int32   // [groups]
	q      []int8    // [K]
	packed []byte    // tiles of up to dotCols rows or of wideRows, see group
	other  []byte    // the rows packed before those, see recall

	key, otherKey heldRows // the rows that packed and other hold
	strip         [wideRows * tensor.BlockRows]float32
	wide          lines // sums of tiles, then a panel of w
}

// group is one group of GroupCols columns of a packed tile of cols rows of x:
//
//	cols x size int8    the integers, see dotKernels.size
//	cols x int32        what offset returns
//	cols x float32      the scales
type group struct {
	p          unsafe.Pointer
	cols, size int
}

// groupBytes is the size of a group of a row of x, whose integers take size.
func groupBytes(size int) int { return size + 4 + 4 }

// packedGroup is group g of a tile of cols rows of x.
func packedGroup(x unsafe.Pointer, cols, size, g int) group {
	return group{unsafe.Add(x, g*cols*groupBytes(size)), cols, size}
}

func (g group) row(c int) []int8 {
	return unsafe.Slice((*int8)(unsafe.Add(g.p, c*g.size)), g.size)
}

func (g group) offsets() []int32 {
	return unsafe.Slice((*int32)(unsafe.Add(g.p, g.cols*g.size)), g.cols)
}

func (g group) scales() []float32 {
	return floats(unsafe.Add(g.p, g.cols*(g.size+4)), g.cols)
}

// grow is fit for any type of element.
func grow[T any](buf *[]T, n int) []T {
	if cap(*buf) < n {
		*buf = make([]T, n)
	}
	*buf = (*buf)[:n]
	return *buf
}

// offset is what a product with weights of d needs besides the integers of a
// group of x, whose sum is given. Weights are stored without a sign:
//
//	Int8        stores q+128: add -128 * sum
//	Int4        stores q+8:   add -8 * sum
//	Int4Affine  has minima:   their factor -scale * sum, as the bits of an f32
func offset(d tensor.DType, sum int32, scale float32) int32 {
	switch d {
	case tensor.Int8:
		return -128 * sum
	case tensor.Int4:
		return -8 * sum
	}
	return int32(math.Float32bits(-scale * float32(sum)))
}

// quantize packs rows of x for weights of d. Each group of GroupCols values of
// a row has the scale max|x|/127 and integers in [-127, 127]. A group whose
// largest magnitude is below 2^-100 is zero. A group with NaN or infinity has
// it as its scale, so its products are not finite either.
func (k *Kernels) quantize(s *Scratch, x tensor.Matrix, d tensor.DType) {
	dot, groups := k.dot[blockSlot(d)].of(x.Rows), groupsOf(x.Cols, d)
	size, in := dot.size(), &s.ints
	quant := k.quant
	if dot.quantHalves != nil {
		quant = dot.quantHalves
	}
	grow(&in.packed, x.Rows*groups*groupBytes(size))
	packed, rows := 0, span{0, x.Rows}
	for i := 0; i < x.Rows; {
		c := dot.rowsOfTile(rows, i)
		for r := range c {
			k.quantizeRow(in, x.Row(i+r), groups, quant, size)
			for g := range groups {
				to := packedGroup(unsafe.Pointer(&in.packed[packed]), c, size, g)
				copy(to.row(r), in.q[g*size:])
				to.offsets()[r], to.scales()[r] = offset(d, in.sums[g], in.scales[g]), in.scales[g]
			}
		}
		packed += c * groups * groupBytes(size)
		i += c
	}
}

// groupsOf is the number of groups of a row of x for weights of d: K padded to
// whole blocks.
func groupsOf(cols int, d tensor.DType) int {
	_, blocks := d.Blocks(tensor.BlockRows, cols)
	return blocks * d.BlockGroups()
}

// quantizeRow leaves the integers of one row, size bytes a group as quant writes
// them, their sums and scales in the scratch.
func (k *Kernels) quantizeRow(in *intScratch, row []float32, groups int, quant quantKernel, size int) {
	if n := groups * tensor.GroupCols; n != len(row) {
		clear(grow(&in.padded, n))
		copy(in.padded, row)
		row = in.padded
	}
	largest, scales, inv := grow(&in.absMax, groups), grow(&in.scales, groups), grow(&in.inv, groups)
	k.absMax(at(largest, 0), at(row, 0), groups)
	for g, m := range largest {
		scales[g], inv[g] = m/127, 127/m
		if m < 1.0/(1<<50)/(1<<50) {
			scales[g], inv[g] = 0, 0
		}
	}
	q, sums := grow(&in.q, groups*size), grow(&in.sums, groups)
	quant(unsafe.Pointer(&q[0]), unsafe.Pointer(&sums[0]), at(row, 0), at(inv, 0), groups)
}

// multiplyQuantized writes columns lo..hi-1 of the product of the rows that
// quantize packed with a quantized matrix.
func (k *Kernels) multiplyQuantized(s *Scratch, y output, w tensor.Weight, rows, lo, hi int) {
	dot, groups := k.dot[blockSlot(w.DType)].of(rows), groupsOf(w.Cols, w.DType)
	atOnce := dot.groupsAtOnce(rows)
	for g := 0; g < groups; g += atOnce {
		part := span{g, min(g+atOnce, groups)}
		fetch := dot.fetches(w, rows, part.len())
		for col := lo &^ (tensor.BlockRows - 1); col < hi; col += tensor.BlockRows {
			fetch.first = col < lo+tensor.BlockRows
			dot.multiplyStrip(s, y, w, rows, span{max(lo, col), min(hi, col+tensor.BlockRows)}, part, &fetch)
		}
	}
}

// multiplyStrip adds the products of groups part of a strip of BlockRows rows of
// w. Columns cols are those of its outputs that the caller wants.
func (d *dotKernels) multiplyStrip(s *Scratch, y output, w tensor.Weight, rows int, cols, part span, fetch *fetches) {
	groups, size := groupsOf(w.Cols, w.DType), groupBytes(d.size())
	first := cols.lo &^ (tensor.BlockRows - 1)
	weights := unsafe.Pointer(&w.Data[first/tensor.BlockRows*fetch.next+part.lo*fetch.size])
	all, packed := span{0, rows}, 0
	if d.rowsOfTile(all, 0) == wideRows {
		s.ints.wide.fit(wideSums + part.len()*panelGroupBytes(w.DType))
		d.wide.unpack(s.ints.wide.at(wideSums), weights, part.len())
	}
	for i, tile := 0, 0; i < rows; tile++ {
		c := d.rowsOfTile(all, i)
		x := unsafe.Pointer(&s.ints.packed[packed+part.lo*c*size])
		multiply := func(out unsafe.Pointer, stride int) {
			if c == wideRows {
				d.wide.multiply(out, x, s.ints.wide.at(wideSums), s.ints.wide.at(0), stride, part.len(), part.lo)
				return
			}
			ahead, step := fetch.of(tile, c)
			d.tile[c-1](out, x, weights, stride, part.len(), ahead, step, part.lo)
		}
		if cols.len() == tensor.BlockRows {
			multiply(y.at(i, first), 4*y.Stride)
		} else {
			partStrip(s, y, span{i, i + c}, cols, func(out unsafe.Pointer) { multiply(out, 4*tensor.BlockRows) })
		}
		packed += c * groups * size
		i += c
	}
}

// partStrip calls f with memory for whole strips and keeps only columns cols of
// them: copy in, f, copy out.
func partStrip(s *Scratch, y output, rows, cols span, f func(out unsafe.Pointer)) {
	shift := cols.lo & (tensor.BlockRows - 1)
	row := func(i int) (mine, strip []float32) {
		mine = y.Data[i*y.Stride+cols.lo-y.base:][:cols.len()]
		return mine, s.ints.strip[(i-rows.lo)*tensor.BlockRows+shift:][:len(mine)]
	}
	for i := rows.lo; i < rows.hi; i++ {
		mine, strip := row(i)
		copy(strip, mine)
	}
	f(at(s.ints.strip[:], 0))
	for i := rows.lo; i < rows.hi; i++ {
		mine, strip := row(i)
		copy(mine, strip)
	}
}
