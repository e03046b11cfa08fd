package kernel

import (
	"math"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// intScratch holds rows of x as integers.
type intScratch struct {
	padded []float32 // [K] of one row, padded to whole groups
	most   []float32 // [groups] largest magnitudes
	scales []float32 // [groups]
	inv    []float32 // [groups]
	half   []uint16  // [groups] scales in f16, of weights
	sums   []int32   // [groups]
	q      []int8    // [K]
	packed []byte    // tiles of up to dotCols rows, see group
	other  []byte    // what was packed before, see recall

	key, otherKey hold // whose rows packed and other hold
	strip         [dotCols * tensor.BlockRows]float32
}

// group is one group of GroupCols columns of a packed tile of cols rows: the
// bytes of every row, then the offset of every row, then its scale. The offset
// makes up for integers of weights that are stored without a sign, see
// offset.
type group struct {
	p    unsafe.Pointer
	cols int
}

const groupBytes = tensor.GroupCols + 4 + 4 // per row

func packedGroup(x unsafe.Pointer, cols, g int) group {
	return group{unsafe.Add(x, g*cols*groupBytes), cols}
}

func (g group) row(c int) []int8 {
	return unsafe.Slice((*int8)(unsafe.Add(g.p, c*tensor.GroupCols)), tensor.GroupCols)
}

func (g group) offsets() []int32 {
	return unsafe.Slice((*int32)(unsafe.Add(g.p, g.cols*tensor.GroupCols)), g.cols)
}

func (g group) scales() []float32 {
	return floats(unsafe.Add(g.p, g.cols*(tensor.GroupCols+4)), g.cols)
}

// dotTile is the number of rows of x the next integer tile takes.
func (r span) dotTile(from int) int { return r.even(from, dotCols) }

// grow is fit for any element.
func grow[T any](buf *[]T, n int) []T {
	if cap(*buf) < n {
		*buf = make([]T, n)
	}
	*buf = (*buf)[:n]
	return *buf
}

// offset is what a product with weights of d needs to know about a group of x
// besides its integers: what their stored integers q+128 (Int8) and q+8 (Int4)
// add too much, or the factor of the minimum as bits of an f32 (Int4Affine).
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
// a row has the scale max|x|/127 and integers in [-127, 127]; a group whose
// largest magnitude is below 2^-100 is zero. A group with NaN or infinity has
// that for a scale, so its products are no numbers either.
func (k *Kernels) quantize(s *Scratch, x tensor.Matrix, d tensor.DType) {
	groups := groupsOf(x.Cols, d)
	in := &s.ints
	grow(&in.packed, x.Rows*groups*groupBytes)
	at, rows := 0, span{0, x.Rows}
	for i := 0; i < x.Rows; {
		c := rows.dotTile(i)
		for r := range c {
			k.quantizeRow(in, x.Row(i+r), groups)
			for g := range groups {
				to := packedGroup(unsafe.Pointer(&in.packed[at]), c, g)
				copy(to.row(r), in.q[g*tensor.GroupCols:])
				to.offsets()[r], to.scales()[r] = offset(d, in.sums[g], in.scales[g]), in.scales[g]
			}
		}
		at += c * groups * groupBytes
		i += c
	}
}

// groupsOf is how many groups of x a product with weights of d takes: whole
// blocks.
func groupsOf(cols int, d tensor.DType) int {
	_, blocks := d.Blocks(tensor.BlockRows, cols)
	return blocks * d.BlockGroups()
}

func (k *Kernels) quantizeRow(in *intScratch, row []float32, groups int) {
	if n := groups * tensor.GroupCols; n != len(row) {
		clear(grow(&in.padded, n))
		copy(in.padded, row)
		row = in.padded
	}
	most, scales, inv := grow(&in.most, groups), grow(&in.scales, groups), grow(&in.inv, groups)
	k.absMax(at(most, 0), at(row, 0), groups)
	for g, m := range most {
		scales[g], inv[g] = m/127, 127/m
		if m < 1.0/(1<<50)/(1<<50) {
			scales[g], inv[g] = 0, 0
		}
	}
	q, sums := grow(&in.q, len(row)), grow(&in.sums, groups)
	k.quant(unsafe.Pointer(&q[0]), unsafe.Pointer(&sums[0]), at(row, 0), at(inv, 0), groups)
}

// blockGroups is how many groups of K, whole blocks of any type, are multiplied
// at once: those of blockX rows of x stay in a second-level cache while all
// weights pass by. The products wait in y.
const blockGroups = 128

// groupsAtOnce is blockGroups where rows of x are many. Of few rows more groups
// fit, and to read a strip of weights in one go does not interrupt the stream
// from memory.
func groupsAtOnce(rows int) int {
	fit := blockGroups * blockX / 2 / rows
	return max(blockGroups, fit&^(tensor.AffineGroups-1))
}

// multiplyQuantized writes columns lo..hi-1 of the product of the rows that
// quantize packed with a quantized matrix.
func (k *Kernels) multiplyQuantized(s *Scratch, y output, w tensor.Weight, rows, lo, hi int) {
	groups := groupsOf(w.Cols, w.DType)
	atOnce := groupsAtOnce(rows)
	for g := 0; g < groups; g += atOnce {
		for o := lo &^ (tensor.BlockRows - 1); o < hi; o += tensor.BlockRows {
			k.strip(s, y, w, rows, span{max(lo, o), min(hi, o+tensor.BlockRows)}, span{g, min(g+atOnce, groups)})
		}
	}
}

// strip adds the products of some groups of a strip; columns cols of it are
// wanted.
func (k *Kernels) strip(s *Scratch, y output, w tensor.Weight, rows int, cols, part span) {
	dot, groups := &k.dot[blockSlot(w.DType)], groupsOf(w.Cols, w.DType)
	first := cols.lo &^ (tensor.BlockRows - 1)
	weights := unsafe.Pointer(&w.Data[(first/tensor.BlockRows*groups+part.lo)/w.DType.BlockGroups()*w.DType.BlockBytes()])
	all, packed := span{0, rows}, 0
	for i := 0; i < rows; {
		c := all.dotTile(i)
		x := unsafe.Pointer(&s.ints.packed[packed+part.lo*c*groupBytes])
		if cols.hi-cols.lo == tensor.BlockRows {
			dot[c-1](y.at(i, first), x, weights, 4*y.Stride, part.hi-part.lo, part.lo)
		} else {
			k.partStrip(s, y, span{i, i + c}, cols, func(out unsafe.Pointer) {
				dot[c-1](out, x, weights, 4*tensor.BlockRows, part.hi-part.lo, part.lo)
			})
		}
		packed += c * groups * groupBytes
		i += c
	}
}

// partStrip lets f work on whole strips where only columns cols of y exist.
func (k *Kernels) partStrip(s *Scratch, y output, rows, cols span, f func(out unsafe.Pointer)) {
	shift := cols.lo & (tensor.BlockRows - 1)
	row := func(i int) (mine, strip []float32) {
		mine = y.Data[i*y.Stride+cols.lo-y.base:][:cols.hi-cols.lo]
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
