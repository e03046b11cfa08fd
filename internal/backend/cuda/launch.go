package cuda

import (
	"fmt"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
)

// portableParams mirrors Product in kernels/portable.cu.
type portableParams struct {
	weights, x, out          driver.Pointer
	k, ldo, strips, rowTiles int32
}

// tileParams mirrors Tile, gatherParams Gather and sweepParams Sweep in
// kernels/support.cu.
type (
	tileParams struct {
		first, second, image driver.Pointer
		rows, k              int32
	}
	gatherParams struct {
		src, dst, index driver.Pointer
		rows, k         int32
	}
	sweepParams struct {
		src  driver.Pointer
		n    uint64
		sink driver.Pointer
	}
)

// operands are those of one product: out [slots, outputs] from in [slots, k]. Each tile
// of slots has the image of its weights at weights.
type operands struct {
	weights, in, out        driver.Pointer
	slots, tile, k, outputs int
}

// portableFormats are what kernels/portable.cu computes.
var portableFormats = []tensor.DType{tensor.BF16, tensor.Int8, tensor.Int4, tensor.MXFP4}

func portableName(product string, format tensor.DType, n int) string {
	return fmt.Sprintf("%s_%v_n%d", product, format, n)
}

// runPortable queues a product.
func (k *kernels) runPortable(s *driver.Stream, product string, format tensor.DType, o operands) error {
	p := &portableParams{weights: o.weights, x: o.in, out: o.out, k: int32(o.k), ldo: int32(o.outputs),
		strips: int32(o.outputs / 16), rowTiles: int32(o.slots / o.tile)}
	if product == upProduct {
		p.strips *= 2 // 8 rows of a strip are of w3
	}
	l := driver.Launch{Grid: int(p.strips * p.rowTiles), Block: 32}
	return k.products[portableName(product, format, o.tile)].Launch(s, l, unsafe.Pointer(p))
}

// runTile queues writing the image of first, or of first and second by turns, each
// [rows, columns].
func (k *kernels) runTile(s *driver.Stream, image, first, second driver.Pointer, rows, columns int) error {
	p := &tileParams{first: first, second: second, image: image, rows: int32(rows), k: int32(columns)}
	if second != 0 {
		p.rows *= 2
	}
	return k.tile.Launch(s, driver.Launch{Grid: k.sms * 8, Block: 256}, unsafe.Pointer(p))
}

// runGather queues dst [rows, k] = src[index], as rows or as fragments.
func (k *kernels) runGather(s *driver.Stream, f *driver.Function, dst, src, index driver.Pointer, rows, columns int) error {
	p := &gatherParams{src: src, dst: dst, index: index, rows: int32(rows), k: int32(columns)}
	l := driver.Launch{Grid: min((rows*columns/8+255)/256, k.sms*16), Block: 256, Overlap: k.overlap}
	return f.Launch(s, l, unsafe.Pointer(p))
}
