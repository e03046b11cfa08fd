package kernel

import "unsafe"

// panels reports whether one call takes all columns of a panel.
func (p *pairScratch) panels() bool {
	return p.way.panel[0] != nil && p.rows > tileCols && !p.slim()
}

// block is how many rows of x, and columns for them, have lanes at once.
func (p *pairScratch) block() (rows, cols int) {
	if p.panels() {
		return panelRows, panelW
	}
	return laneRows, blockW
}

// multiplyPanels is multiply by calls that take all columns. Memory is asked
// for the next panel while tiles of x pass by, instead of all at once for the
// first of them.
func (p *pairScratch) multiplyPanels(s *Scratch, part panel) {
	stride, cols := 2*part.w.Cols, part.cols.hi-part.cols.lo
	w := unsafe.Pointer(&part.w.Data[part.cols.lo*stride+2*pairStep*part.from])
	next, rows := p.after(part), 0
	lanes := 0
	for i := part.rows.lo; i < part.rows.hi; {
		c, ahead := p.tile(i), 0 // what is in the cache already
		if rows < cols {
			ahead = next.w + rows*stride
		}
		x := p.offset(next.row, next.from, p.tile(next.row))
		if i+c < part.rows.hi {
			x = p.offset(i+c, part.from, p.tile(i+c))
		}
		p.way.panel[c-1](at(s.lanes, lanes), p.step(i, part.from, c), w, stride, part.n, cols/tileRows,
			x-p.offset(i, part.from, c), ahead, part.from)
		rows += 2 * cols / tileRows
		lanes += c * cols * Lanes
		i += c
	}
}

// following says which panel comes next: the first row of x and the first step
// of it, and how many bytes its rows of w lie ahead.
type following struct{ row, from, w int }

func (p *pairScratch) after(part panel) following {
	stride, from := 2*part.w.Cols, 2*pairStep*part.from
	switch {
	case part.from+part.n < part.w.Cols/pairStep:
		return following{part.rows.lo, part.from + part.n, 2 * pairStep * part.n}
	case part.rows.hi < p.rows:
		return following{part.rows.hi, 0, -from}
	}
	return following{0, 0, (part.cols.hi-part.cols.lo)*stride - from}
}
