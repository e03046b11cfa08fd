package kernel

import (
	"math"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// pairScratch holds packed rows of x, tile by tile; in every step, the rows of
// the tile.
type pairScratch struct {
	kernels *pairKernels
	rows    int
	steps   int       // of a row, with the one that pads the tail of K
	x       []float32 // as bytes of the form of kernels
	// then is what is read after the product that follows, if it is not the rows of
	// w that come next.
	then unsafe.Pointer
}

// tileIndex names a place in packed x: step step of the tile that has rows rows
// of x, from row row on.
type tileIndex struct{ row, rows, step int }

// follow says that the rows of w from row on are read after the product that follows.
func (p *pairScratch) follow(w tensor.Weight, row int) {
	if p.then = nil; w.DType == tensor.BF16 && row < w.Rows {
		p.then = unsafe.Add(unsafe.Pointer(unsafe.SliceData(w.Data)), 2*row*w.Cols)
	}
}

// packPairs packs rows of x: as bf16 where all of them are bf16 and there is an
// instruction for it, else as f32.
func (k *Kernels) packPairs(s *Scratch, x tensor.Matrix) {
	if narrow := k.pairsBF16.of(x.Rows); narrow == nil || !mayBeBF16(x) || !s.pairs.pack(narrow, x) {
		s.pairs.pack(k.pairsF32.of(x.Rows), x)
	}
}

// mayBeBF16 looks at the first elements of x, so that rows of f32 are rarely
// packed as bf16 in vain.
func mayBeBF16(x tensor.Matrix) bool {
	const sample = 8
	for _, v := range x.Row(0)[:min(sample, x.Cols)] {
		if math.Float32bits(v)&0xffff != 0 {
			return false
		}
	}
	return true
}

// pack packs rows of x and reports whether the form of kernels can hold them.
func (p *pairScratch) pack(kernels *pairKernels, x tensor.Matrix) bool {
	whole, steps, unit := x.Cols/pairStep, (x.Cols+pairStep-1)/pairStep, kernels.stepBytes/4
	out := fit(&p.x, x.Rows*steps*unit)
	p.kernels, p.rows, p.steps = kernels, x.Rows, steps
	lost := 0
	for i := 0; i < x.Rows; {
		c := p.rowsOfTile(i)
		for r := range c {
			row := x.Row(i + r)
			if whole > 0 {
				lost |= kernels.pack(at(out, r*unit), at(row, 0), whole, kernels.stepBytes*c)
			}
			if whole < steps {
				var padded [pairStep]float32
				copy(padded[:], row[whole*pairStep:])
				lost |= kernels.pack(at(out, (whole*c+r)*unit), at(padded[:], 0), 1, 0)
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

// rowsOfTile is the number of rows of x of the tile that begins at a row.
func (p *pairScratch) rowsOfTile(row int) int {
	if p.slim() {
		return span{0, p.rows}.piece(row, slimCols)
	}
	return span{0, p.rows}.tile(row)
}

// tile is the tile that begins at a row, at a step of K.
func (p *pairScratch) tile(row, step int) tileIndex { return tileIndex{row, p.rowsOfTile(row), step} }

// offset is where t lies in packed x, in bytes.
func (p *pairScratch) offset(t tileIndex) int {
	return (t.row*p.steps + t.step*t.rows) * p.kernels.stepBytes
}

// at is where t lies in memory.
func (p *pairScratch) at(t tileIndex) unsafe.Pointer { return at(p.x, p.offset(t)/4) }

// slim reports whether slim micro-kernels take all rows of x: one, or two of which
// the first prefetches in the order of memory.
func (p *pairScratch) slim() bool {
	if p.rows <= slimCols {
		return p.kernels.slim[p.rows-1] != nil
	}
	return p.rows <= 2*slimCols && p.kernels.inOrder > 0 && p.kernels.slim[slimCols-1] != nil
}

// inOrder reports whether micro-kernels prefetch in the order of memory.
func (p *pairScratch) inOrder() bool {
	return p.slim() && p.kernels.inOrder > 0 && p.rows >= p.kernels.inOrder
}

// byPanel reports whether one call takes all rows of w of a panel.
func (p *pairScratch) byPanel() bool {
	return p.kernels.panel[0] != nil && (p.kernels.panelAlone || p.rows > tileCols) && !p.slim()
}

// byRow reports whether a micro-kernel of its own takes one row of x and steps of K.
func (p *pairScratch) byRow(steps int) bool {
	return p.rows == 1 && p.kernels.row != nil && steps*p.kernels.stepBytes <= rowBytes
}

// blockSize is how many rows of x, and columns of y for them, have their lanes
// in memory at once.
func (p *pairScratch) blockSize() (rows, cols int) {
	switch {
	case p.byPanel():
		return panelRows, panelW
	case p.inOrder():
		rows := inOrderBytes / (2 * pairStep * p.steps) &^ (tileRows - 1)
		return laneRows, min(max(tileRows, rows), blockW)
	}
	return laneRows, blockW
}

// blockSteps is the maximum number of steps of a panel of K. With one tile of x
// and a call for every 4 rows of w there is nothing that a panel could be kept for,
// so all of K is one.
func (p *pairScratch) blockSteps(steps int) int {
	switch {
	case p.inOrder():
		depth := inOrderSteps
		if p.rows*depth*p.kernels.stepBytes > inOrderX {
			depth /= 2
		}
		return max(1, min(steps, depth))
	case p.slim() || p.rows <= tileCols && p.byPanel():
		return max(1, min(steps, slimBytes/(p.rows*p.kernels.stepBytes)))
	case p.rows <= tileCols:
		return max(1, steps)
	}
	return p.kernels.blockSteps
}
