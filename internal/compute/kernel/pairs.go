package kernel

import (
	"math"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// pairStep is how many elements of K a step of pairs takes: two a lane.
const pairStep = 2 * Lanes

// pairs is one way to multiply bf16 weights: the form in which rows of x are
// packed, and the tiles that take them. All ways give the same bits.
type pairs struct {
	// pack writes steps of one row of x, which lie step bytes apart. It tells
	// whether the form cannot hold the values; then what it wrote is of no use.
	pack func(dst, src unsafe.Pointer, steps, step int) (lost int)
	// tile adds steps of pairStep products to the lanes of tileRows rows of w
	// times 1 to tileCols rows of x. Lanes, stride and carry are those of
	// Kernels.tile. The bytes that lie ahead of the rows of w are prefetched.
	tile [tileCols]pairTile
	// row is tile[0], one row of w after the other; nil where that reads no
	// faster. It is for rows of x of up to rowBytes, packed.
	row pairTile
	// slim is tile for all of 1 to slimCols rows of x, few rows of w at a time;
	// nil where that reads no faster.
	slim [slimCols]pairTile
	// panel is tile for groups times tileRows rows of w, whose lanes follow each
	// other; empty where there is none. Meanwhile it prefetches, evenly: for every
	// group two rows of those that lie nextW bytes ahead of w, and for panelW rows
	// of w the steps of a tile of x that lie nextX bytes ahead of x.
	panel [tileCols]pairPanel
	// bytes is the size of a step of one row of x.
	bytes int
	// block is how many steps of a tile of x stay in the first-level cache while
	// a block of w passes by.
	block int
}

type pairTile func(lanes, x, w unsafe.Pointer, wStride, steps, ahead, carry int)

type pairPanel func(lanes, x, w unsafe.Pointer, wStride, steps, groups, nextX, nextW, carry int)

// rowBytes is the most x of a product that reads one row of w after the other.
// That is the order in which memory streams fastest; but longer chains of sums
// take longer than their weights, and x is read four times as often.
const rowBytes = 8 << 10

// slimCols is the most rows of x of a slim tile, slimBytes the size of a panel of
// them in the first-level cache.
const (
	slimCols  = 12
	slimBytes = 24 << 10
)

// pairScratch holds packed rows of x, tile by tile: in every step, the rows of
// the tile.
type pairScratch struct {
	way   *pairs
	rows  int
	steps int       // of a row, with the one that pads the tail
	x     []float32 // as bytes of the way's form
}

// packPairs packs rows of x, as bf16 where all of them are bf16 and there is an
// instruction for it.
func (k *Kernels) packPairs(s *Scratch, x tensor.Matrix) {
	if k.narrow.pack == nil || !mayBeBF16(x) || !s.pairs.pack(&k.narrow, x) {
		s.pairs.pack(&k.split, x)
	}
}

// mayBeBF16 saves packing in vain.
func mayBeBF16(x tensor.Matrix) bool {
	const few = 8
	for _, v := range x.Row(0)[:min(few, x.Cols)] {
		if math.Float32bits(v)&0xffff != 0 {
			return false
		}
	}
	return true
}

// pack packs rows of x if the form can hold them.
func (p *pairScratch) pack(way *pairs, x tensor.Matrix) bool {
	whole, steps, unit := x.Cols/pairStep, (x.Cols+pairStep-1)/pairStep, way.bytes/4
	out := fit(&p.x, x.Rows*steps*unit)
	p.way, p.rows, p.steps = way, x.Rows, steps
	lost := 0
	for i := 0; i < x.Rows; {
		c := p.tile(i)
		for r := range c {
			row := x.Row(i + r)
			if whole > 0 {
				lost |= way.pack(at(out, r*unit), at(row, 0), whole, way.bytes*c)
			}
			if whole < steps {
				var padded [pairStep]float32
				copy(padded[:], row[whole*pairStep:])
				lost |= way.pack(at(out, (whole*c+r)*unit), at(padded[:], 0), 1, 0)
			}
		}
		if lost != 0 {
			return false
		}
		out = out[c*steps*unit:]
		i += c
	}
	return true
}

// multiplyPairs is multiply for bf16 weights.
func (k *Kernels) multiplyPairs(s *Scratch, y output, w tensor.Weight, lo, hi int) {
	whole := lo + (hi-lo)&^(tileRows-1)
	_, width := s.pairs.block()
	for o := lo; o < whole; o += width {
		k.blockOfPairs(s, y, w, span{o, min(o+width, whole)})
	}
	for o := whole; o < hi; o++ {
		k.columnOfPairs(s, y, w, o)
	}
}

// panel is a piece of a product: steps from..from+n-1 of K for some rows of x,
// which are whole tiles, and some columns.
type panel struct {
	w          tensor.Weight
	rows, cols span
	from, n    int
}

// blockOfPairs computes columns cols, some tiles of x at a time, so that the
// lanes of their outputs stay in the second-level cache.
func (k *Kernels) blockOfPairs(s *Scratch, y output, w tensor.Weight, cols span) {
	for from := 0; from < s.pairs.rows; {
		rows := s.pairs.tiles(from)
		k.tilesOfPairs(s, y, w, rows, cols)
		from = rows.hi
	}
}

// tiles are whole tiles of x from a row on, as many as have lanes at once.
func (p *pairScratch) tiles(from int) span {
	rows, _ := p.block()
	out := span{from, from}
	for out.hi < p.rows {
		c := p.tile(out.hi)
		if out.hi+c-from > rows {
			break
		}
		out.hi += c
	}
	return out
}

// tilesOfPairs walks K once, panel by panel; the lanes wait in memory meanwhile.
func (k *Kernels) tilesOfPairs(s *Scratch, y output, w tensor.Weight, rows, cols span) {
	p, steps := &s.pairs, w.Cols/pairStep
	block := span{0, max(1, steps)}.even(0, p.panelSteps(steps))
	fit(&s.lanes, max(slimCols*tileRows, (rows.hi-rows.lo)*(cols.hi-cols.lo))*Lanes)
	for from := 0; from < steps; from += block {
		p.multiply(s, panel{w, rows, cols, from, min(block, steps-from)})
	}
	if steps*pairStep < w.Cols {
		p.multiplyTail(s, panel{w, rows, cols, steps, 1})
	}
	lanes := 0
	for i := rows.lo; i < rows.hi; {
		c := p.tile(i)
		for o := cols.lo; o < cols.hi; o += tileRows {
			k.reduce(y.at(i, o), at(s.lanes, lanes), 4*y.Stride, c)
			lanes += c * tileRows * Lanes
		}
		i += c
	}
}

// multiply adds a panel to the lanes. The first tile of x brings in what the
// tiles after it find in the second-level cache, one group of rows ahead.
func (p *pairScratch) multiply(s *Scratch, part panel) {
	if p.panels() {
		p.multiplyPanels(s, part)
		return
	}
	stride, lanes := 2*part.w.Cols, 0
	for i := part.rows.lo; i < part.rows.hi; {
		c := p.tile(i)
		tile := p.tileFor(c, part.n)
		for o := part.cols.lo; o < part.cols.hi; o += tileRows {
			ahead := 0
			if i == 0 {
				ahead = part.ahead(o, stride)
			}
			tile(at(s.lanes, lanes), p.step(i, part.from, c), unsafe.Pointer(&part.w.Data[o*stride+2*pairStep*part.from]),
				stride, part.n, ahead, part.from)
			lanes += c * tileRows * Lanes
		}
		i += c
	}
}

// ahead is the distance in bytes from the rows of w at o to those that follow:
// the next of the panel, of the panel after it, or of the next block.
func (part panel) ahead(o, stride int) int {
	switch {
	case o+tileRows < part.cols.hi:
		return tileRows * stride
	case part.from+part.n < part.w.Cols/pairStep:
		return 2*pairStep*part.n - (o-part.cols.lo)*stride
	}
	return tileRows*stride - 2*pairStep*part.from
}

// lossless is a way of packing that can hold any f32.
func lossless(pack func(dst, src unsafe.Pointer, steps, step int)) func(dst, src unsafe.Pointer, steps, step int) int {
	return func(dst, src unsafe.Pointer, steps, step int) int {
		pack(dst, src, steps, step)
		return 0
	}
}

// tile is the number of rows of x in the tile that begins at row i.
func (p *pairScratch) tile(i int) int {
	if p.slim() {
		return p.rows
	}
	return span{0, p.rows}.next(i)
}

// slim reports whether one slim tile takes all rows.
func (p *pairScratch) slim() bool {
	return p.rows <= slimCols && p.way.slim[p.rows-1] != nil
}

// tileFor chooses the tile of c rows of x for steps of K.
func (p *pairScratch) tileFor(c, steps int) pairTile {
	switch {
	case c == 1 && p.way.row != nil && steps*p.way.bytes <= rowBytes:
		return p.way.row
	case p.slim():
		return p.way.slim[c-1]
	}
	return p.way.tile[c-1]
}

// panelSteps is how many steps of K a panel has.
func (p *pairScratch) panelSteps(steps int) int {
	switch {
	case p.slim():
		return max(1, min(steps, slimBytes/(p.rows*p.way.bytes)))
	case p.rows <= tileCols:
		return max(1, steps)
	}
	return p.way.block
}

// step is where a step of the tile of c rows that begins at row i lies.
func (p *pairScratch) step(i, step, c int) unsafe.Pointer {
	return at(p.x, p.offset(i, step, c)/4)
}

// offset is step in bytes.
func (p *pairScratch) offset(i, step, c int) int { return (i*p.steps + step*c) * p.way.bytes }

// multiplyTail adds the elements beyond the last whole step, padded with zeros.
func (p *pairScratch) multiplyTail(s *Scratch, part panel) {
	lanes := 0
	for i := part.rows.lo; i < part.rows.hi; {
		c := p.tile(i)
		for o := part.cols.lo; o < part.cols.hi; o += tileRows {
			p.tileFor(c, 1)(at(s.lanes, lanes), p.step(i, part.from, c), s.tailOf(part.w, o), 2*pairStep, 1, 0, part.from)
			lanes += c * tileRows * Lanes
		}
		i += c
	}
}

// tailOf copies the tails of tileRows rows of bf16 from row o on; a row beyond
// the last is the last again.
func (s *Scratch) tailOf(w tensor.Weight, o int) unsafe.Pointer {
	s.tail = tail{}
	n := 2 * (w.Cols % pairStep)
	padded := unsafe.Slice((*byte)(unsafe.Pointer(&s.tail.w)), len(s.tail.w)*4)
	for r := range tileRows {
		end := (min(o+r, w.Rows-1) + 1) * 2 * w.Cols
		copy(padded[2*pairStep*r:], w.Data[end-n:end])
	}
	return unsafe.Pointer(&s.tail.w)
}

// columnOfPairs is one column of the product: the row of w four times over.
func (k *Kernels) columnOfPairs(s *Scratch, y output, w tensor.Weight, o int) {
	p, steps := &s.pairs, w.Cols/pairStep
	for i := 0; i < p.rows; {
		c := p.tile(i)
		if steps > 0 {
			p.tileFor(c, steps)(at(s.lanes, 0), p.step(i, 0, c), unsafe.Pointer(&w.Data[2*o*w.Cols]), 0, steps, 0, 0)
		}
		if steps*pairStep < w.Cols {
			p.tileFor(c, 1)(at(s.lanes, 0), p.step(i, steps, c), s.tailOf(w, o), 2*pairStep, 1, 0, steps)
		}
		k.reduce(at(s.quad[:], 0), at(s.lanes, 0), 4*tileRows, c)
		for j := range c {
			y.Data[(i+j)*y.Stride+o-y.base] = s.quad[j*tileRows]
		}
		i += c
	}
}
