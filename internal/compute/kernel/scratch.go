package kernel

import "unsafe"

// Block sizes of products, in rows and elements. See the package comment for
// what they keep in which cache.
const (
	// With f32 and f16 weights, a block of x (blockX rows, blockK elements of K),
	// a widened panel of w (blockW rows, blockK elements) and the lanes of their
	// outputs fit together into a second-level cache of 1 MiB.
	blockX = 128
	blockW = 32
	blockK = 768
	// With bf16 weights, pairRows rows of x are packed at once. laneRows of them
	// times blockW columns have their lanes in memory, or panelRows times panelW
	// where a micro-kernel takes a whole panel of w.
	pairRows  = 256
	laneRows  = 64
	panelRows = 128
	panelW    = 64
	// The steps of a panel of K, for x packed as f32 and as bf16: 24 KiB of a
	// tile of 6 rows. AVX2 walks over such a tile four times as often, so half as
	// much of it leaves more room for weights in the first level.
	f32BlockSteps  = 32
	bf16BlockSteps = 64
	avx2BlockSteps = 16
	// streamRows is the maximum number of rows of x for which f32 and f16 weights
	// are read where they lie. With more rows, widening every weight once pays.
	streamRows = 12
	// SwiGLU reads streamW rows of w1 before it reads w3 if it has at most
	// streamRows rows of x, and swigluW rows of bf16 if it has more.
	streamW = 1024
	swigluW = 256
)

// Scratch is the memory one goroutine needs to call the kernels. It grows to
// what the calls need and is then reused.
type Scratch struct {
	lanes   []float32 // [rows/c, columns/tileRows, c, tileRows, Lanes] with c = 1..tileCols
	x       []float32 // [blockX, K], packed
	panel   []float32 // [blockW, blockK], packed
	up      []float32 // [rows, swigluWidth] of SwiGLU
	wide    []float32 // [blockW, K], weights of a format without a micro-kernel
	tail    tail
	outputs [slimCols * tileRows]float32 // of a tile, where y has room for one column only
	pairs   pairScratch
	runs    runScratch
	ints    intScratch
	held    heldRows
}

// tail holds the elements beyond the last whole group of Lanes, padded with
// zeros.
type tail struct {
	x [tileCols * Lanes]float32
	w [tileRows * Lanes]float32 // as bytes of any element type
}

// NewScratch returns an empty Scratch.
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

// bytesOf is v as the bytes of f32 weights. All processors of hachi are
// little-endian.
func bytesOf(v []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}

func pointer(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }
