package kernel

import (
	"slices"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// Products of tiles of integers take wideRows rows of x at once with a strip of w
// whose integers are unpacked first. Fewer rows, and those that are left over, go
// by dotKernel, with the same bits.
type (
	// stripUnpacker rewrites groups of a strip of w as signed bytes, 8 lines of 4
	// columns of BlockRows rows, with scales, and minima where there are some, as
	// floats: a panel.
	stripUnpacker func(dst, w unsafe.Pointer, groups int)

	// wideKernel is dotKernel for wideRows rows of x and a panel of w. sums is
	// memory for two products of tiles, aligned to 64 bytes.
	wideKernel func(y, x, w, sums unsafe.Pointer, yStride, groups, carry int)
)

// wideKernels are the kernels of one type of weights; multiply is nil where there
// are none.
type wideKernels struct {
	unpack   stripUnpacker
	multiply wideKernel
}

const (
	// wideRows is the number of rows of x of a wideKernel.
	wideRows = tensor.BlockRows
	// wideSums is the memory for sums of tiles, which a panel follows.
	wideSums = 2 * 4 * wideRows * tensor.BlockRows
	// lineBytes is the size of a line of the cache.
	lineBytes = 64
)

// panelGroupBytes is the size of a group of a panel of w: the integers, and one or
// two floats for every row.
func panelGroupBytes(d tensor.DType) int {
	if d == tensor.Int4Affine {
		return tensor.BlockRows * (tensor.GroupCols + 4 + 4)
	}
	return tensor.BlockRows * (tensor.GroupCols + 4)
}

// rowsOfTile is the number of rows of x of the quantized tile that begins at row
// from.
func (d *dotKernels) rowsOfTile(r span, from int) int {
	if d.wide.multiply != nil && r.hi-from >= wideRows {
		return wideRows
	}
	return r.piece(from, dotCols)
}

// withWide is v with one more way: the default one with wide kernels, in use for
// classes of wideRows rows and more.
func withWide(v variants[dotKernels], name string, wide wideKernels) variants[dotKernels] {
	way := v.all[0].way
	way.wide = wide
	v.all = append(slices.Clone(v.all), variant[dotKernels]{name: name, from: wideRows, way: way})
	for _, rows := range classes {
		if rows >= wideRows {
			v.use(rows, name)
		}
	}
	return v
}

// lines is memory that begins with a line of the cache.
type lines struct{ memory []byte }

// fit makes room for n bytes; what the memory held is lost.
func (l *lines) fit(n int) { grow(&l.memory, n+lineBytes) }

// at is the address of a byte.
func (l *lines) at(i int) unsafe.Pointer {
	start := pointer(l.memory)
	return unsafe.Add(start, i-int(uintptr(start))&(lineBytes-1)+lineBytes)
}
