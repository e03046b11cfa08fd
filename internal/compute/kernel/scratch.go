package kernel

import "unsafe"

// Sizes of the blocked product, in elements. A block of x (blockX rows, blockK
// wide), a widened panel of w (blockW rows, blockK wide) and the lanes of their
// outputs fit together into a second-level cache of 1 MiB.
const (
	blockX = 128
	blockW = 32
	blockK = 768
	// pairRows is blockX for pairs.
	pairRows = 256
	// laneRows is how many rows of x have lanes at once where pairs go by tiles,
	// blockW columns wide; panelRows and panelW are that where they go by panels.
	laneRows  = 64
	panelRows = 128
	panelW    = 64
	// splitBlock and narrowBlock are pairs.block: 24 KiB of 6 rows.
	splitBlock  = 32
	narrowBlock = 64
	// streamRows is how many rows of x are multiplied straight from the
	// weights' own bytes. With more, widening every weight once pays.
	streamRows = 12
	// streamW is how many rows of w1 GatedUp reads before it turns to w3 with so
	// few rows of x, gatedW how many of bf16 with more.
	streamW = 1024
	gatedW  = 256
)

// Scratch is the memory one goroutine needs to call the kernels. It grows to
// what the calls need and is then reused.
type Scratch struct {
	lanes []float32 // [rows/c, columns/tileRows, c, tileRows, Lanes] with c = 1..tileCols
	x     []float32 // [blockX, K], packed
	panel []float32 // [blockW, blockK], packed
	up    []float32 // [rows, gatedWidth] of GatedUp
	tail  tail
	quad  [slimCols * tileRows]float32
	pairs pairScratch
	ints  intScratch
	hold  hold
}

// tail holds the elements beyond the last whole group of Lanes, padded with
// zeros.
type tail struct {
	x [tileCols * Lanes]float32
	w [tileRows * Lanes]float32 // as bytes of any element type
}

// NewScratch makes an empty one.
func NewScratch() *Scratch {
	return &Scratch{lanes: make([]float32, slimCols*tileRows*Lanes)}
}

// fit grows a buffer to n floats; what it held is lost when it grows.
func fit(buf *[]float32, n int) []float32 {
	if cap(*buf) < n {
		*buf = make([]float32, n)
	}
	*buf = (*buf)[:n]
	return *buf
}

func at(v []float32, i int) unsafe.Pointer { return unsafe.Pointer(&v[i]) }

func pointer(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }
