package cpu

import (
	"github.com/hachi-serve/hachi/compute/kernel"
	"github.com/hachi-serve/hachi/compute/tensor"
	"github.com/hachi-serve/hachi/model"
)

// kvLayer is the cache of one layer: [block][kvHead][BlockSize][headDim] in
// the KV dtype. A block is exactly one attention tile per head.
type kvLayer struct {
	dtype   tensor.DType
	heads   int
	headDim int
	k, v    []byte
}

// A tile of attention is one block: the numbering by block and the fixed tiles
// of the kernel must agree.
var _ = [1]struct{}{}[model.BlockSize-kernel.Tile]

func newKVLayer(cfg model.Config, opts DenseOptions) kvLayer {
	l := kvLayer{dtype: opts.Numerics.KV, heads: cfg.KVHeads, headDim: cfg.HeadDim}
	size := opts.Blocks * l.tileBytes() * l.heads
	l.k, l.v = make([]byte, size), make([]byte, size)
	return l
}

func (l *kvLayer) tileBytes() int { return model.BlockSize * l.headDim * l.dtype.Size() }

// tile is the byte range of one block and head.
func (l *kvLayer) tile(block int32, head int) (lo, hi int) {
	lo = (int(block)*l.heads + head) * l.tileBytes()
	return lo, lo + l.tileBytes()
}

// put writes the key and value [headDim] of one position and head.
func (l *kvLayer) put(at rowAt, head int, k, v []float32) {
	lo, _ := l.tile(at.blocks[at.position/model.BlockSize], head)
	row := l.headDim * l.dtype.Size()
	lo += at.position % model.BlockSize * row
	tensor.Encode(l.k[lo:lo+row], k, l.dtype)
	tensor.Encode(l.v[lo:lo+row], v, l.dtype)
}

// attend writes out [group*headDim]: the attention of the group's queries q at
// a row over positions first..at.position.
func (w *worker) attend(out, q []float32, l *kvLayer, at rowAt, head, first int, scale float32) {
	w.tiles.Reset(len(q)/l.headDim, l.headDim)
	for block := first / model.BlockSize; block <= at.position/model.BlockSize; block++ {
		lo, hi := l.tile(at.blocks[block], head)
		start := block * model.BlockSize
		w.k.Attend(w.s, &w.tiles, q, kernel.KVTile{
			DType: l.dtype, Keys: l.k[lo:hi], Values: l.v[lo:hi],
			First: max(0, first-start), Last: min(model.BlockSize-1, at.position-start),
		}, scale)
	}
	w.tiles.Finish(out)
}
