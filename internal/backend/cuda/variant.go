package cuda

import (
	"fmt"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
)

// Products of the kernels.
const (
	upProduct   = "up"   // SiLU of the sums of w1, times those of w3
	downProduct = "down" // rounded to bf16
	wideProduct = "wide" // f32
)

// The largest row tiles of the kernels.
const (
	maxWGMMATile     = 256
	maxQuantizedTile = 128 // of wgmma.cu: widened weights take registers
	maxPortableTile  = 64
)

// maxStages bounds the ring of wgmma.cu.
const maxStages = 32

// variant is one instantiation of the product in kernels/wgmma.cu. It decides speed,
// never bits.
type variant struct {
	groups, rows, n, k int // warpgroups; weight rows of each; rows of x; K of a stage
	blocks             int // that share a multiprocessor and its shared memory
}

// kernel is the name in kernels/wgmma.cu.
func (v variant) kernel(product string, format tensor.DType) string {
	return fmt.Sprintf("%s_%v_g%d_r%d_n%d_k%d", product, format, v.groups, v.rows, v.n, v.k)
}

// stageBytes is one stage of the ring in shared memory.
func (v variant) stageBytes(format tensor.DType) int {
	weights := v.groups * v.rows * 128
	if format != tensor.BF16 {
		weights = v.groups * v.rows / 16 * blockBytes(format)
	}
	return v.k / 64 * (weights + 128*v.n)
}

// fixedBytes is what the ring shares a block's memory with: alignment, outputs on
// their way, and two barriers a stage.
func (v variant) fixedBytes() int {
	return 1024 + v.groups*min(v.n, 64)*(v.rows*2+16) + maxStages*16
}

// threads are those of a block: a warp that fetches, and 4 for each group; of few rows
// and quantized weights one for each 16 weight rows.
func (v variant) threads(format tensor.DType) int {
	if format != tensor.BF16 && v.n <= 32 {
		return 32 + v.groups*v.rows*2
	}
	return 32 + v.groups*128
}

// stages is as many as fit, with 1 KiB of each block for the driver.
func (v variant) stages(format tensor.DType, shared int) int {
	return min(maxStages, ((shared+1024)/v.blocks-1024-v.fixedBytes())/v.stageBytes(format))
}

// outputs is the outputs of a tile.
func (v variant) outputs(product string) int {
	if product == upProduct {
		return v.groups * v.rows / 2
	}
	return v.groups * v.rows
}

// wgmmaParams mirrors Params in kernels/wgmma.cu.
type wgmmaParams struct {
	x                                        driver.TensorMap
	weights, out                             driver.Pointer
	rows, k, ldo, outTiles, rowTiles, stages int32
	share                                    int32
	_                                        [84]byte
}

// runVariant queues a product. It may start before the launch ahead of it has ended.
func (k *kernels) runVariant(v *driver.Device, s *driver.Stream, product string, format tensor.DType, w variant, o operands) error {
	x, err := v.BF16Map(o.in, o.slots, o.k, w.n)
	if err != nil {
		return err
	}
	stages := w.stages(format, k.shared)
	p := &wgmmaParams{x: x, weights: o.weights, out: o.out, rows: int32(o.slots), k: int32(o.k), ldo: int32(o.outputs),
		outTiles: int32(o.outputs / w.outputs(product)), rowTiles: int32(o.slots / w.n), stages: int32(stages), share: int32(o.tile / w.n)}
	l := driver.Launch{Grid: min(int(p.outTiles*p.rowTiles), k.sms*w.blocks), Block: w.threads(format),
		Shared: stages*w.stageBytes(format) + w.fixedBytes(), Overlap: true}
	return k.products[w.kernel(product, format)].Launch(s, l, unsafe.Pointer(p))
}

// variants are the kernels of wgmma.cu for a product and a tile of slots, from the one
// that reads x the least: the fastest on an H100, where it has tiles for all of its
// multiprocessors. docs/accelerators.md has their times.
func variants(product string, format tensor.DType, tile int) []variant {
	switch {
	case format == tensor.BF16 && product == upProduct:
		return bf16Up[tile]
	case format == tensor.BF16:
		return bf16Down[tile]
	case product == upProduct:
		return quantizedUp(format)[tile]
	}
	return quantizedDown[tile]
}

var (
	bf16Up = map[int][]variant{
		8: {{1, 64, 8, 128, 1}}, 16: {{1, 64, 16, 128, 2}}, 32: {{1, 64, 32, 128, 2}},
		64: {{2, 64, 64, 64, 2}}, 128: {{2, 64, 128, 64, 1}}, 256: {{2, 64, 256, 64, 1}},
	}
	bf16Down = map[int][]variant{
		8: {{1, 64, 8, 128, 2}}, 16: {{1, 64, 16, 128, 1}, {1, 32, 16, 128, 1}}, 32: {{1, 64, 32, 128, 2}, {1, 32, 32, 128, 1}},
		64: {{2, 64, 64, 64, 2}, {1, 64, 32, 128, 1}}, 128: {{2, 64, 128, 64, 1}, {1, 64, 128, 64, 1}},
		256: {{2, 64, 256, 64, 1}, {2, 64, 128, 64, 1}, {1, 64, 128, 64, 1}},
	}
	quantizedDown = map[int][]variant{
		8: {{1, 64, 8, 128, 4}, {1, 32, 8, 128, 1}}, 16: {{1, 64, 16, 128, 4}, {1, 32, 16, 128, 1}}, 32: {{1, 64, 32, 128, 2}, {1, 32, 32, 128, 1}},
		64: {{2, 64, 64, 64, 2}, {1, 64, 32, 128, 1}}, 128: {{2, 64, 128, 64, 1}, {1, 64, 64, 64, 2}},
	}
)

// quantizedUp depends on the format: where a block has fewer bytes to wait for, more
// blocks share a multiprocessor.
func quantizedUp(format tensor.DType) map[int][]variant {
	few, some := 6, 3
	if format == tensor.Int8 {
		few, some = 4, 2
	}
	return map[int][]variant{
		8: {{1, 64, 8, 128, few}}, 16: {{2, 64, 16, 128, some}}, 32: {{1, 64, 32, 128, 4}}, 64: {{2, 64, 64, 64, 2}}, 128: {{2, 64, 128, 64, 1}},
	}
}

// pick is the variant for a product.
func (k *kernels) pick(product string, format tensor.DType, o operands) variant {
	all := variants(product, format, o.tile)
	for _, v := range all[:len(all)-1] {
		if o.slots/v.n*(o.outputs/v.outputs(product)) >= k.sms*3/4 {
			return v
		}
	}
	return all[len(all)-1]
}
