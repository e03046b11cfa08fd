package kernel

import (
	"fmt"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// pairStep is how many elements of K a step of a pair kernel takes: two a lane.
const pairStep = 2 * Lanes

// pairKernels is one way to multiply bf16 weights: the form in which rows of x
// are packed, and the micro-kernels that read this form. All ways give the same
// bits.
type pairKernels struct {
	pack pairPacker
	// tile takes 1 to tileCols rows of x.
	tile [tileCols]pairKernel
	// row is tile[0] that reads one row of w after the other, for x of at most
	// rowBytes, packed. nil where that reads no faster.
	row pairKernel
	// slim takes 1 to slimCols rows of x at once and reads one or two rows of w
	// at a time. nil where that reads no faster.
	slim [slimCols]slimKernel
	// inOrder is the fewest rows of x from which slim prefetches the lines of what
	// is read after a block of w in the order of memory, see pairPanel.aheadInOrder.
	// Twice slimCols rows are then two tiles. 0 where no slim does.
	inOrder int
	// panel takes all rows of w of a panel in one call. nil where there is none.
	panel [tileCols]pairPanelKernel
	// panelAlone says that panel serves a single tile of x too: then it prefetches
	// all rows of w, not two of four.
	panelAlone bool
	// stepBytes is the size of a step of one row of x, packed.
	stepBytes int
	// blockSteps is the number of steps of a panel of K: a tile of x of so much
	// of K stays in the first-level cache while a panel of w passes by.
	blockSteps int
}

const (
	// rowBytes is the maximum size of a packed row of x for pairKernels.row. One
	// row of w after the other is the order in which memory streams fastest; but
	// with a longer K the chain of sums takes longer than memory, and x, which is
	// read four times, leaves the first-level cache.
	rowBytes = 8 << 10
	// slimCols is the maximum number of rows of x of a slim micro-kernel.
	slimCols = 12
	// slimBytes is the maximum size of their micro-panel: it stays in the
	// first-level cache.
	slimBytes = 24 << 10
	// inOrderSteps is the number of steps of a panel of K for slim micro-kernels that
	// prefetch in the order of memory, half of it where a micro-panel would exceed
	// inOrderX bytes. inOrderBytes is the maximum size of a block of w
	// for them: the second-level cache holds it, the next one, and x.
	inOrderSteps = 64
	inOrderX     = 16 << 10
	inOrderBytes = 384 << 10
)

// pairVariants are the ways to multiply by these micro-kernels: without those that
// depend on how memory streams, and with a longer panel, which suits a larger
// first-level cache.
func pairVariants(name string, way pairKernels) variants[pairKernels] {
	out := only(name, way)
	add := func(suffix string, from, to int, change func(*pairKernels)) {
		other := way
		change(&other)
		out.all = append(out.all, variant[pairKernels]{name + suffix, from, to, other})
	}
	few := 0 // rows of x for which there are other kernels than tiles
	for few < slimCols && (way.slim[few] != nil || few == 0 && way.row != nil) {
		few++
	}
	if few > 0 {
		add("-tiles", 1, min(few, classes[3]), func(k *pairKernels) { k.row, k.slim = nil, [slimCols]slimKernel{} })
	}
	if way.panel[0] != nil {
		from := slimCols + 1
		if way.panelAlone {
			from = 1
		}
		add("-calls", from, 0, func(k *pairKernels) { k.panel = [tileCols]pairPanelKernel{} })
	}
	add(fmt.Sprintf("-panel-%d", 2*way.blockSteps*pairStep), slimCols+1, 0, func(k *pairKernels) { k.blockSteps *= 2 })
	return out
}

// pairPanel is one pass of the macro-kernel: some rows of x, which are whole
// tiles, times some rows of w, over some steps of K.
//
//	        K / pairStep steps
//	               steps.lo    steps.hi
//	    +---------+-----------+---------+
//	    |         |           |         | cols.lo   w, where it lies: pairPanel.weights
//	w   |         |   panel   |         |           tileRows rows for each micro-kernel
//	    |         |           |         | cols.hi
//	    +---------+-----------+---------+
//	    |         | tile      |         | rows.lo   x, packed: pairScratch.at
//	x   |         |-----------|         |           1 to tileCols rows for each tile
//	    |         | tile      |         | rows.hi
//	    +---------+-----------+---------+
//
// The lanes of its outputs follow each other in the order of the loops: tile
// of x, tileRows rows of w, row of x, row of w, lane.
type pairPanel struct {
	w                 tensor.Weight
	rows, cols, steps span
	next              int // bytes from row cols.lo of w to what is read after the block
}

// stride is the number of bytes of a row of w.
func (p *pairPanel) stride() int { return 2 * p.w.Cols }

// weights is where the panel begins in row col of w.
func (p *pairPanel) weights(col int) unsafe.Pointer {
	return unsafe.Pointer(&p.w.Data[col*p.stride()+2*pairStep*p.steps.lo])
}

// lastOfK reports whether no whole step of K follows the panel.
func (p *pairPanel) lastOfK() bool { return p.steps.hi == p.w.Cols/pairStep }

// ahead is the distance in bytes from the micro-panel of w at row col to the one
// that is read next: of this panel, of the next panel of K, or of the next block
// of rows of w.
func (p *pairPanel) ahead(col int) int {
	switch {
	case col+tileRows < p.cols.hi:
		return tileRows * p.stride()
	case !p.lastOfK():
		return 2*pairStep*p.steps.len() - (col-p.cols.lo)*p.stride()
	}
	return tileRows*p.stride() - 2*pairStep*p.steps.lo
}

// aheadInOrder is the distance in bytes from the panel of w to the lines that its
// micro-kernels prefetch. All panels of a block together prefetch what is read next,
// line by line: memory and the processor's own prefetching are faster so than with
// the rows of w in turns.
//
//	block     panel of K  prefetches, of four quarters
//	rows 0-7  0           rows 8-15, the first quarter
//	          1           the second, and so on
func (p *pairPanel) aheadInOrder() int {
	return p.next + 2*pairStep*p.steps.lo*(p.cols.len()-1)
}

// lossless adapts a packer whose form can hold any f32.
func lossless(pack func(dst, src unsafe.Pointer, steps, step int)) pairPacker {
	return func(dst, src unsafe.Pointer, steps, step int) int {
		pack(dst, src, steps, step)
		return 0
	}
}
