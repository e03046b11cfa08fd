package cuda

import (
	"fmt"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
)

// The parameters of the kernels of dense.cu and attention.cuh: attendParams mirrors
// Attend, combineParams Combine, and so on.
type (
	attendParams struct {
		q, cache, rows, units, pages, sums, stats driver.Pointer
		scale                                     float32
		count, heads, kvHeads, window             int32
	}
	combineParams struct {
		sums, stats, rows, out                               driver.Pointer
		count, heads, dim, width, columns, window, fragments int32
	}
	normParams struct {
		x, add, gain, out                driver.Pointer
		eps                              float32
		count, width, columns, fragments int32
	}
	placeParams struct {
		qkv, angles, qGain, kGain, rows, pages, q, cache driver.Pointer
		eps                                              float32
		count, outputs, heads, kvHeads, dim, width       int32
	}
	gateParams struct {
		h, weights, out         driver.Pointer
		count, experts, columns int32
	}
)

// headWidths are the widths of heads that kernels have. A head is padded to one.
var headWidths = []int{32, 64, 96, 128}

// cacheFormats are the formats of keys and values that kernels have.
var cacheFormats = []tensor.KVFormat{tensor.KVBF16, tensor.KVInt8}

// Kernels of dense.cu of which there is one.
const (
	normKernel    = "norm_rows"
	gateKernel    = "gate_rows"
	combineKernel = "combine_tiles"
)

func attendName(format tensor.KVFormat, width int) string {
	return fmt.Sprintf("attend_%v_w%d", format, width)
}

func placeName(format tensor.KVFormat, width int) string {
	return fmt.Sprintf("place_%v_w%d", format, width)
}

// denseNames are all kernels of dense.cu.
func denseNames() []string {
	names := []string{normKernel, gateKernel, combineKernel}
	for _, format := range cacheFormats {
		for _, width := range headWidths {
			names = append(names, attendName(format, width), placeName(format, width))
		}
	}
	return names
}

// pageBytes is the memory of 16 positions of one key head.
func pageBytes(format tensor.KVFormat, width int) int {
	n := 2 * 16 * width * format.Size()
	if format.Scaled() {
		n += 2 * 16 * 4
	}
	return n
}

// runWarps queues a kernel of dense.cu for count pieces of work, a warp each.
func (k *kernels) runWarps(s *driver.Stream, name string, count int32, p unsafe.Pointer) error {
	return k.dense[name].Launch(s, driver.Launch{Grid: int(count), Block: 32}, p)
}

// matrix is the image of a bf16 weight on the device, with what names it to the
// products: a table of its address, once for each row tile.
type matrix struct {
	memory           *driver.Buffer
	table            driver.Pointer
	columns, outputs int // padded
}

// runMatrix queues out [slots, outputs] from in [slots, columns] by a product of the
// kernels: wide, or up, whose outputs are half of the image's rows.
func (k *kernels) runMatrix(v *driver.Device, s *driver.Stream, product string, m matrix, in, out driver.Pointer, slots, tile int) error {
	o := operands{weights: m.table, in: in, out: out, slots: slots, tile: tile, k: m.columns, outputs: m.outputs}
	return k.runProduct(v, s, product, tensor.BF16, o)
}
