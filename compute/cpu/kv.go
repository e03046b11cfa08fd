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

// tiles is one worker's scratch for attention over a group of query heads.
type tiles struct {
	k, v  []float32
	heads []kernel.Attention
}

func newTiles(group, headDim int) *tiles {
	t := &tiles{
		k: make([]float32, model.BlockSize*headDim), v: make([]float32, model.BlockSize*headDim),
		heads: make([]kernel.Attention, group),
	}
	for i := range t.heads {
		t.heads[i].Acc = make([]float32, headDim)
	}
	return t
}

// attend writes out [group*headDim]: the attention of the group's queries q at
// a row over positions first..at.position.
func (t *tiles) attend(out, q []float32, l *kvLayer, at rowAt, head, first int, scale float32) {
	for i := range t.heads {
		t.heads[i].Reset()
	}
	d := l.headDim
	for block := first / model.BlockSize; block <= at.position/model.BlockSize; block++ {
		lo, hi := l.tile(at.blocks[block], head)
		tensor.Decode(t.k, l.k[lo:hi], l.dtype)
		tensor.Decode(t.v, l.v[lo:hi], l.dtype)
		start := block * model.BlockSize
		from, to := max(0, first-start), min(model.BlockSize-1, at.position-start)
		for i := range t.heads {
			t.heads[i].Add(q[i*d:(i+1)*d], t.k, t.v, from, to, scale)
		}
	}
	for i := range t.heads {
		t.heads[i].Finish(out[i*d : (i+1)*d])
	}
}
