package cpu

import (
	"github.com/hachi-serve/hachi/internal/compute/arena"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// kvLayer is the cache of one layer: a kernel.KVTile for each [block][kvHead].
type kvLayer struct {
	format         tensor.KVFormat
	heads, headDim int
	k, v           []byte
	ks, vs         []float32 // scales, of a format that has them
}

// A tile of attention is one block: the numbering by block and the fixed tiles
// of the kernel must agree.
var _ = [1]struct{}{}[model.BlockSize-kernel.Tile]

// newKVLayer takes the memory of a layer from an arena.
func newKVLayer(cfg model.Config, opts DenseOptions, from *arena.Arena) kvLayer {
	l := kvLayer{format: opts.Numerics.KV, heads: cfg.KVHeads, headDim: cfg.HeadDim}
	tiles := opts.Blocks * l.heads
	size := tiles * kernel.KVTileBytes(l.format, l.headDim)
	l.k, l.v = from.Bytes(size), from.Bytes(size)
	if l.format.Scaled() {
		l.ks, l.vs = from.Floats(tiles*kernel.Tile), from.Floats(tiles*kernel.Tile)
	}
	return l
}

// kvArenaBytes is the memory of the caches of all layers.
func kvArenaBytes(cfg model.Config, opts DenseOptions) int64 {
	tiles := opts.Blocks * cfg.KVHeads
	layer := 2 * arena.Size(tiles*kernel.KVTileBytes(opts.Numerics.KV, cfg.HeadDim))
	if opts.Numerics.KV.Scaled() {
		layer += 2 * arena.Size(4*tiles*kernel.Tile)
	}
	return int64(cfg.Layers) * layer
}

// kvBlockBytes is the memory one block takes over all layers.
func kvBlockBytes(cfg model.Config, n model.Numerics) int64 {
	return int64(cfg.Layers) * int64(cfg.KVHeads) * int64(kernel.KVTileMemory(n.KV, cfg.HeadDim))
}

// tile is one block of one head.
func (l *kvLayer) tile(block int32, head int) kernel.KVTile {
	i, size := int(block)*l.heads+head, kernel.KVTileBytes(l.format, l.headDim)
	t := kernel.KVTile{Format: l.format, Keys: l.k[i*size : (i+1)*size], Values: l.v[i*size : (i+1)*size]}
	if l.format.Scaled() {
		t.KeyScales, t.ValueScales = l.ks[i*kernel.Tile:(i+1)*kernel.Tile], l.vs[i*kernel.Tile:(i+1)*kernel.Tile]
	}
	return t
}

// put writes the key and value [headDim] of one position and head.
func (l *kvLayer) put(at rowAt, head int, k, v []float32) {
	l.tile(at.blocks[at.position/model.BlockSize], head).Put(at.position%model.BlockSize, k, v)
}
