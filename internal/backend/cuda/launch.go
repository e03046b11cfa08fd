package cuda

import (
	"fmt"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
)

// variant is one instantiation of the product in kernels/wgmma.cu. It decides speed,
// never bits.
type variant struct {
	product            string // up or down
	groups, rows, n, k int    // warpgroups; weight rows of each; rows of x; K of a stage
	blocks             int    // that share a multiprocessor and its shared memory
}

// The fastest variant for each N, as measured on an H100: docs/accelerators.md.
var (
	upVariants = map[int]variant{
		8: {"up", 1, 64, 8, 128, 2}, 16: {"up", 1, 64, 16, 128, 2}, 32: {"up", 1, 32, 32, 128, 1},
		64: {"up", 2, 64, 64, 64, 2}, 128: {"up", 2, 64, 128, 64, 1}, 256: {"up", 2, 64, 256, 64, 1},
	}
	downVariants = map[int]variant{
		8: {"down", 1, 64, 8, 128, 2}, 16: {"down", 1, 32, 16, 128, 2}, 32: {"down", 1, 32, 32, 128, 2},
		64: {"down", 1, 32, 64, 64, 2}, 128: {"down", 1, 64, 128, 64, 1}, 256: {"down", 2, 64, 256, 64, 1},
	}
)

const (
	maxWGMMATile    = 256
	maxPortableTile = 64
	maxStages       = 32
)

func (v variant) name() string {
	return fmt.Sprintf("%s_g%d_r%d_n%d_k%d", v.product, v.groups, v.rows, v.n, v.k)
}

// stageBytes is one stage of the ring in shared memory.
func (v variant) stageBytes() int { return v.k / 64 * 128 * (v.groups*v.rows + v.n) }

// fixedBytes is what the ring shares a block's memory with: alignment, outputs on
// their way, and two barriers a stage.
func (v variant) fixedBytes() int {
	return 1024 + v.groups*min(v.n, 64)*(v.rows*2+16) + maxStages*16
}

// stages is as many as fit, with 1 KiB of each block for the driver.
func (v variant) stages(shared int) int {
	return min(maxStages, ((shared+1024)/v.blocks-1024-v.fixedBytes())/v.stageBytes())
}

// outputs is the outputs of a tile.
func (v variant) outputs() int {
	if v.product == "up" {
		return v.groups * v.rows / 2
	}
	return v.groups * v.rows
}

// wgmmaParams mirrors Params in kernels/wgmma.cu.
type wgmmaParams struct {
	x                                        driver.TensorMap
	weights, out                             driver.Pointer
	rows, k, ldo, outTiles, rowTiles, stages int32
	_                                        [88]byte
}

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

// operands are those of one product: out [slots, outputs] from in [slots, k], with
// the image of each row tile's weights at weights.
type operands struct {
	weights, in, out  driver.Pointer
	slots, k, outputs int
}

// runWGMMA queues a product. It may start before the launch ahead of it has ended.
func (k *kernels) runWGMMA(v *driver.Device, s *driver.Stream, w variant, o operands) error {
	x, err := v.BF16Map(o.in, o.slots, o.k, w.n)
	if err != nil {
		return err
	}
	stages := w.stages(k.shared)
	p := &wgmmaParams{x: x, weights: o.weights, out: o.out, rows: int32(o.slots), k: int32(o.k), ldo: int32(o.outputs),
		outTiles: int32(o.outputs / w.outputs()), rowTiles: int32(o.slots / w.n), stages: int32(stages)}
	l := driver.Launch{Grid: min(int(p.outTiles*p.rowTiles), k.sms*w.blocks), Block: w.groups*128 + 32,
		Shared: stages*w.stageBytes() + w.fixedBytes(), Overlap: true}
	return k.products[w.name()].Launch(s, l, unsafe.Pointer(p))
}

// portableFormats are what kernels/portable.cu computes.
var portableFormats = []tensor.DType{tensor.BF16, tensor.Int8, tensor.Int4, tensor.MXFP4}

func portableName(product string, format tensor.DType, n int) string {
	return fmt.Sprintf("%s_%v_n%d", product, format, n)
}

// runPortable queues a product whose row tiles have n rows.
func (k *kernels) runPortable(s *driver.Stream, product string, format tensor.DType, n int, o operands) error {
	p := &portableParams{weights: o.weights, x: o.in, out: o.out, k: int32(o.k), ldo: int32(o.outputs),
		strips: int32(o.outputs / 16), rowTiles: int32(o.slots / n)}
	if product == "up" {
		p.strips *= 2 // 8 rows of a strip are of w3
	}
	l := driver.Launch{Grid: int(p.strips * p.rowTiles), Block: 32}
	return k.products[portableName(product, format, n)].Launch(s, l, unsafe.Pointer(p))
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
	return f.Launch(s, driver.Launch{Grid: min((rows*columns/8+255)/256, k.sms*16), Block: 256}, unsafe.Pointer(p))
}
