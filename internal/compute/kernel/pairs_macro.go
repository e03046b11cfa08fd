package kernel

import (
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// multiplyPairs is multiply for bf16 weights. Columns come in blocks, and for
// each of them rows of x come in blocks of whole tiles, so that the lanes of a
// block's outputs stay in the second-level cache.
func (k *Kernels) multiplyPairs(s *Scratch, y output, w tensor.Weight, lo, hi int) {
	whole := lo + (hi-lo)&^(tileRows-1)
	_, width := s.pairs.blockSize()
	for col := lo; col < whole; col += width {
		cols := span{col, min(col+width, whole)}
		block := pairPanel{w: w, cols: cols, next: 2 * w.Cols * cols.len()}
		if s.pairs.then != nil && cols.hi == whole {
			block.next = int(uintptr(s.pairs.then) - uintptr(block.weights(col)))
		}
		for row := 0; row < s.pairs.rows; {
			block.rows = s.pairs.rowBlock(row)
			k.multiplyPairBlock(s, y, block)
			row = block.rows.hi
		}
	}
	for col := whole; col < hi; col++ {
		k.multiplyPairColumn(s, y, w, col)
	}
}

// rowBlock is a block of whole tiles of x that begins at a row.
func (p *pairScratch) rowBlock(from int) span {
	rows, _ := p.blockSize()
	out := span{from, from}
	for out.hi < p.rows {
		c := p.rowsOfTile(out.hi)
		if out.hi+c-from > rows {
			break
		}
		out.hi += c
	}
	return out
}

// multiplyPairBlock walks K once, panel by panel, and then adds the lanes of
// every output. Panels are of even length: a short last one would prefetch too
// little of the next block.
func (k *Kernels) multiplyPairBlock(s *Scratch, y output, block pairPanel) {
	p, steps, rows, cols := &s.pairs, block.w.Cols/pairStep, block.rows, block.cols
	depth := span{0, max(1, steps)}.piece(0, p.blockSteps(steps))
	fit(&s.lanes, max(slimCols*tileRows, rows.len()*cols.len())*Lanes)
	for from := 0; from < steps; from += depth {
		panel := block
		panel.steps = span{from, min(from+depth, steps)}
		switch {
		case p.byPanel():
			p.multiplyWholePanel(s, &panel)
		case p.slim() && !p.byRow(panel.steps.len()):
			p.multiplySlim(s, &panel)
		default:
			p.multiplyPanel(s, &panel)
		}
	}
	if steps*pairStep < block.w.Cols {
		block.steps = span{steps, steps + 1}
		p.multiplyTail(s, &block)
	}
	lanes := 0
	for row := rows.lo; row < rows.hi; {
		c := p.rowsOfTile(row)
		for col := cols.lo; col < cols.hi; col += tileRows {
			k.reduce(y.at(row, col), at(s.lanes, lanes), 4*y.Stride, c)
			lanes += c * tileRows * Lanes
		}
		row += c
	}
}

// multiplyPanel is the macro-kernel with a call for every micro-panel of w. The
// first tile of x brings the panel of w into the second-level cache, one
// micro-panel ahead; the tiles after it find it there.
func (p *pairScratch) multiplyPanel(s *Scratch, panel *pairPanel) {
	stride, steps, lanes := panel.stride(), panel.steps.len(), 0
	for row := panel.rows.lo; row < panel.rows.hi; {
		t := p.tile(row, panel.steps.lo)
		for col := panel.cols.lo; col < panel.cols.hi; col += tileRows {
			ahead := 0
			if row == 0 {
				ahead = panel.ahead(col)
			}
			p.multiplyOne(at(s.lanes, lanes), t, panel.weights(col), stride, steps, ahead)
			lanes += t.rows * tileRows * Lanes
		}
		row += t.rows
	}
}

// multiplyOne calls the micro-kernel for a tile of x and tileRows rows of w.
func (p *pairScratch) multiplyOne(lanes unsafe.Pointer, t tileIndex, w unsafe.Pointer, stride, steps, ahead int) {
	switch {
	case p.byRow(steps):
		p.kernels.row(lanes, p.at(t), w, stride, steps, ahead, t.step)
	case p.slim():
		p.kernels.slim[t.rows-1](lanes, p.at(t), w, stride, steps, 1, ahead, t.step)
	default:
		p.kernels.tile[t.rows-1](lanes, p.at(t), w, stride, steps, ahead, t.step)
	}
}

// multiplySlim is multiplyPanel with one call for all micro-panels of w that
// prefetch at the same distance.
func (p *pairScratch) multiplySlim(s *Scratch, panel *pairPanel) {
	stride, steps, lanes := panel.stride(), panel.steps.len(), 0
	for row := panel.rows.lo; row < panel.rows.hi; {
		t, last := p.tile(row, panel.steps.lo), panel.cols.hi
		if row == 0 && !p.inOrder() {
			last -= tileRows
		}
		for _, cols := range []span{{panel.cols.lo, last}, {last, panel.cols.hi}} {
			if cols.len() == 0 {
				continue
			}
			ahead := 0
			switch {
			case row == 0 && p.inOrder():
				ahead = panel.aheadInOrder()
			case row == 0:
				ahead = panel.ahead(cols.lo)
			}
			p.kernels.slim[t.rows-1](at(s.lanes, lanes), p.at(t), panel.weights(cols.lo), stride, steps, cols.len()/tileRows, ahead, t.step)
			lanes += t.rows * cols.len() * Lanes
		}
		row += t.rows
	}
}

// multiplyWholePanel is the macro-kernel with one call for all of a panel of w.
// Every tile of x prefetches a share of the next panel, so memory is not asked
// for all of it at once.
func (p *pairScratch) multiplyWholePanel(s *Scratch, panel *pairPanel) {
	if p.rows <= tileCols {
		p.multiplyAlone(s, panel)
		return
	}
	stride, steps, cols := panel.stride(), panel.steps.len(), panel.cols.len()
	w, next := panel.weights(panel.cols.lo), p.next(panel)
	fetched, lanes := 0, 0 // rows of the next panel, floats
	for row := panel.rows.lo; row < panel.rows.hi; {
		t := p.tile(row, panel.steps.lo)
		ahead := 0 // once all is fetched: what is in the cache already
		if fetched < cols {
			ahead = next.w + fetched*stride
		}
		after := next.x
		if row+t.rows < panel.rows.hi {
			after = p.tile(row+t.rows, t.step)
		}
		p.kernels.panel[t.rows-1](at(s.lanes, lanes), p.at(t), w, stride, steps, cols/tileRows,
			p.offset(after)-p.offset(t), ahead, t.step)
		fetched += 2 * cols / tileRows
		lanes += t.rows * cols * Lanes
		row += t.rows
	}
}

// multiplyAlone is multiplyWholePanel for a single tile of x, which prefetches the
// rows of w that it reads next.
func (p *pairScratch) multiplyAlone(s *Scratch, panel *pairPanel) {
	t, last := p.tile(0, panel.steps.lo), panel.cols.hi-tileRows
	for _, cols := range []span{{panel.cols.lo, last}, {last, panel.cols.hi}} {
		if cols.len() > 0 {
			lanes := (cols.lo - panel.cols.lo) * t.rows * Lanes
			p.kernels.panel[t.rows-1](at(s.lanes, lanes), p.at(t), panel.weights(cols.lo), panel.stride(), panel.steps.len(),
				cols.len()/tileRows, 0, panel.ahead(cols.lo), t.step)
		}
	}
}

// nextPanel is what the macro-kernel reads after a panel: a tile of x, and
// rows of w that lie w bytes ahead of those of the panel.
type nextPanel struct {
	x tileIndex
	w int
}

// next follows the loops: panels of K, blocks of rows of x, blocks of columns.
func (p *pairScratch) next(panel *pairPanel) nextPanel {
	back := -2 * pairStep * panel.steps.lo
	switch {
	case !panel.lastOfK():
		return nextPanel{p.tile(panel.rows.lo, panel.steps.hi), 2 * pairStep * panel.steps.len()}
	case panel.rows.hi < p.rows:
		return nextPanel{p.tile(panel.rows.hi, 0), back}
	}
	return nextPanel{p.tile(0, 0), panel.cols.len()*panel.stride() + back}
}

// multiplyTail adds the elements beyond the last whole step of K, padded with
// zeros.
func (p *pairScratch) multiplyTail(s *Scratch, panel *pairPanel) {
	lanes := 0
	for row := panel.rows.lo; row < panel.rows.hi; {
		t := p.tile(row, panel.steps.lo)
		for col := panel.cols.lo; col < panel.cols.hi; col += tileRows {
			p.multiplyOne(at(s.lanes, lanes), t, s.pairTail(panel.w, col), 2*pairStep, 1, 0)
			lanes += t.rows * tileRows * Lanes
		}
		row += t.rows
	}
}

// pairTail copies the tails of tileRows rows of w from row col on, padded with
// zeros; in place of a row beyond the last it copies the last.
func (s *Scratch) pairTail(w tensor.Weight, col int) unsafe.Pointer {
	s.tail = tail{}
	n := 2 * (w.Cols % pairStep)
	padded := unsafe.Slice((*byte)(unsafe.Pointer(&s.tail.w)), len(s.tail.w)*4)
	for r := range tileRows {
		end := (min(col+r, w.Rows-1) + 1) * 2 * w.Cols
		copy(padded[2*pairStep*r:], w.Data[end-n:end])
	}
	return unsafe.Pointer(&s.tail.w)
}

// multiplyPairColumn computes one column of y: a tile whose tileRows rows are
// all row col of w.
func (k *Kernels) multiplyPairColumn(s *Scratch, y output, w tensor.Weight, col int) {
	p, steps := &s.pairs, w.Cols/pairStep
	for row := 0; row < p.rows; {
		t := p.tile(row, 0)
		if steps > 0 {
			p.multiplyOne(at(s.lanes, 0), t, unsafe.Pointer(&w.Data[2*col*w.Cols]), 0, steps, 0)
		}
		if t.step = steps; steps*pairStep < w.Cols {
			p.multiplyOne(at(s.lanes, 0), t, s.pairTail(w, col), 2*pairStep, 1, 0)
		}
		k.storeColumn(s, y, row, col, t.rows)
		row += t.rows
	}
}
