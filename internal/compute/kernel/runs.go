package kernel

import (
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// Products of bf16 weights in FamilyAMX, see DotRuns. A run is pairStep elements
// of K. A strip of runRows rows of w is packed as a panel: for every run, lines of
// one pair of each row. Outputs are sums in y, which begin with zero.
type (
	// runPacker packs runs of runRows rows of w.
	runPacker func(dst, w unsafe.Pointer, wStride, runs int)

	// runKernel adds runs of some rows of x, of f32, times a panel of w to y.
	runKernel func(y, x, w unsafe.Pointer, yStride, xStride, runs int)

	// runTileKernel is runKernel for rows of x of bf16, with one or two panels, which
	// lie wNext bytes apart. config is the configuration of tiles for the rows.
	runTileKernel func(y, x, w, config unsafe.Pointer, yStride, xStride, wNext, runs int)
)

// runKernels are one way to compute the same bits.
type runKernels struct {
	pack runPacker
	// rows takes 1 to tileCols rows of x.
	rows [tileCols]runKernel
	// tiles takes up to runRows rows of x, or twice as many, with one or two panels;
	// nil where there are no tiles.
	tiles [2][2]runTileKernel
	// narrow packs rows of x as bf16, for tiles.
	narrow pairPacker
}

const (
	// runRows is the number of rows of w of a panel, and of a tile.
	runRows = 16
	// runBytes is the size of a run of a panel.
	runBytes = 4 * runRows * runRows
	// runsAtOnce is the number of runs of a panel: two panels stay in the first-level
	// cache while rows of x pass by.
	runsAtOnce = 16
)

// runScratch holds packed rows of x, panels of w, and outputs of a strip that is
// not whole.
type runScratch struct {
	rows, runs int
	narrow     bool      // x is bf16
	x          []float32 // [rows, K padded to runs], as bytes of the form
	panels     lines
	edge       [runRows * pairStep]uint16 // of a run that is not whole
	out        []float32                  // [rows, 2*runRows]
	config     [64]byte
	configured int // rows
}

// stride is the number of bytes of a row of x.
func (s *runScratch) stride() int {
	if s.narrow {
		return 2 * pairStep * s.runs
	}
	return 4 * pairStep * s.runs
}

func (s *runScratch) at(row, run int) unsafe.Pointer {
	return unsafe.Add(at(s.x, 0), (row*s.runs+run)*(s.stride()/s.runs))
}

// packRuns packs rows of x: as bf16 where all of them are bf16 and there are
// tiles, else as f32.
func (k *Kernels) packRuns(s *runScratch, x tensor.Matrix) {
	s.rows, s.runs = x.Rows, (x.Cols+pairStep-1)/pairStep
	s.panels.fit(2 * runsAtOnce * runBytes)
	fit(&s.x, s.rows*s.runs*pairStep)
	s.narrow = k.runs.narrow != nil && mayBeBF16(x)
	if s.narrow = s.narrow && s.pack(k.runs.narrow, x); s.narrow {
		return
	}
	for i := range x.Rows {
		row := s.x[i*s.runs*pairStep:][:s.runs*pairStep]
		clear(row[copy(row, x.Row(i)):])
	}
}

// pack packs rows of x as bf16 and reports whether they are.
func (s *runScratch) pack(narrow pairPacker, x tensor.Matrix) bool {
	s.narrow = true
	whole, lost := x.Cols/pairStep, 0
	for i := range x.Rows {
		if whole > 0 {
			lost |= narrow(s.at(i, 0), at(x.Row(i), 0), whole, 2*pairStep)
		}
		if whole < s.runs {
			var padded [pairStep]float32
			copy(padded[:], x.Row(i)[whole*pairStep:])
			lost |= narrow(s.at(i, whole), at(padded[:], 0), 1, 0)
		}
	}
	return lost == 0
}

// multiplyRuns is multiply for bf16 weights in FamilyAMX.
func (k *Kernels) multiplyRuns(s *Scratch, y output, w tensor.Weight, lo, hi int) {
	r := &s.runs
	for col := lo; col < hi; col += 2 * runRows {
		cols := span{col, min(col+2*runRows, hi)}
		out, stride, whole := y.at(0, col), 4*y.Stride, cols.len()%runRows == 0
		if !whole {
			out, stride = at(fit(&r.out, r.rows*2*runRows), 0), 4*2*runRows
		}
		for i := range r.rows {
			clear(floats(unsafe.Add(out, i*stride), (cols.len()+runRows-1)&^(runRows-1)))
		}
		for from := 0; from < r.runs; from += runsAtOnce {
			k.multiplyRunPanels(r, out, stride, w, cols, span{from, min(from+runsAtOnce, r.runs)})
		}
		if !whole {
			for i := range r.rows {
				copy(y.Data[i*y.Stride+col-y.base:][:cols.len()], r.out[i*2*runRows:])
			}
		}
	}
}

// multiplyRunPanels adds the products of part of K, for up to two panels of w.
func (k *Kernels) multiplyRunPanels(s *runScratch, out unsafe.Pointer, stride int, w tensor.Weight, cols, part span) {
	const next = runsAtOnce * runBytes
	panels := (cols.len() + runRows - 1) / runRows
	for p := range panels {
		first := cols.lo + p*runRows
		s.packPanel(k.runs.pack, s.panels.at(p*next), w, span{first, min(first+runRows, cols.hi)}, part)
	}
	for i := 0; i < s.rows; {
		if s.narrow {
			n := min(2*runRows, s.rows-i)
			k.runs.tiles[(n-1)/runRows][panels-1](unsafe.Add(out, i*stride), s.at(i, part.lo), s.panels.at(0), s.tileConfig(n),
				stride, s.stride(), next, part.len())
			i += n
			continue
		}
		c := span{0, s.rows}.tile(i)
		for p := range panels {
			k.runs.rows[c-1](unsafe.Add(out, i*stride+4*runRows*p), s.at(i, part.lo), s.panels.at(p*next),
				stride, s.stride(), part.len())
		}
		i += c
	}
}

// packPanel packs part of rows of w, at most runRows. Rows and elements that are
// missing are zero.
func (s *runScratch) packPanel(pack runPacker, dst unsafe.Pointer, w tensor.Weight, rows, part span) {
	stride, whole := 2*w.Cols, min(part.hi, w.Cols/pairStep)
	if rows.len() < runRows {
		whole = part.lo
	} else if whole > part.lo {
		pack(dst, unsafe.Pointer(&w.Data[rows.lo*stride+2*pairStep*part.lo]), stride, whole-part.lo)
	}
	for run := max(whole, part.lo); run < part.hi; run++ {
		s.edge = [runRows * pairStep]uint16{}
		edge := unsafe.Slice((*byte)(unsafe.Pointer(&s.edge)), 2*len(s.edge))
		for r := range rows.len() {
			from := (rows.lo+r)*stride + 2*pairStep*run
			copy(edge[2*pairStep*r:][:2*pairStep], w.Data[from:(rows.lo+r+1)*stride])
		}
		pack(unsafe.Add(dst, (run-part.lo)*runBytes), unsafe.Pointer(&s.edge), 2*pairStep, 1)
	}
}

// tileConfig is the configuration of tiles for rows of x: palette 1, bytes of a
// row and rows of each tile. Tiles 0 and 1, and 2 and 3, are outputs of x in tiles 4
// and 5, with w in tiles 6 and 7.
func (s *runScratch) tileConfig(rows int) unsafe.Pointer {
	if s.configured != rows {
		s.configured, s.config = rows, [64]byte{0: 1}
		first, second := min(rows, runRows), max(0, rows-runRows)
		for tile, n := range []int{first, first, second, second, first, second, runRows, runRows} {
			if n > 0 {
				s.config[16+2*tile], s.config[48+tile] = 4*runRows, byte(n)
			}
		}
	}
	return unsafe.Pointer(&s.config)
}
