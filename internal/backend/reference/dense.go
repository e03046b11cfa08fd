package reference

import (
	"fmt"
	"math"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// dense computes one row after the other.
type dense struct {
	arithmetic
	cfg      model.Config
	numerics model.Numerics
	w        model.DenseWeights
	cache    [][]kernel.KVTile // [layer][block*KVHeads+head]
	places   []place           // of the rows of the step
}

// place is where a row stands in its sequence.
type place struct {
	position int
	blocks   []int32
	wanted   bool // its logits
}

func (d *dense) KVBlockBytes() int64 {
	return int64(d.cfg.Layers) * int64(d.cfg.KVHeads) * int64(kernel.KVTileMemory(d.numerics.KV, d.cfg.HeadDim))
}

func (d *dense) ReserveKV(blocks int) error {
	d.cache = make([][]kernel.KVTile, d.cfg.Layers)
	for layer := range d.cache {
		for range blocks * d.cfg.KVHeads {
			d.cache[layer] = append(d.cache[layer], kernel.NewKVTile(d.numerics.KV, d.cfg.HeadDim))
		}
	}
	return nil
}

func (d *dense) Close() error {
	d.cache, d.w = nil, model.DenseWeights{}
	return nil
}

// Embed looks up the tokens and keeps where their rows stand.
func (d *dense) Embed(b *model.Batch, x tensor.Matrix) error {
	if err := b.Check(d.cfg.Vocab); err != nil {
		return err
	}
	d.places = nil
	for _, s := range b.Spans {
		for i := range s.N {
			d.places = append(d.places, place{position: s.Start + i, blocks: s.Blocks})
		}
	}
	for _, row := range b.Outputs {
		d.places[row].wanted = true
	}
	size := d.cfg.Hidden * d.w.Embed.DType.Size()
	for i, token := range b.Tokens {
		tensor.Decode(x.Row(i), d.w.Embed.Data[int(token)*size:(int(token)+1)*size], d.w.Embed.DType)
	}
	return nil
}

// Attend takes the rows in order: each sees the keys and values of those before.
func (d *dense) Attend(layer, first int, x, h, gate tensor.Matrix) error {
	if first < 0 || first+x.Rows > len(d.places) {
		return fmt.Errorf("rows %d to %d of a batch of %d", first, first+x.Rows, len(d.places))
	}
	l := d.w.Layers[layer]
	for i := range x.Rows {
		at, row := d.places[first+i], x.Row(i)
		in := d.rounded(d.norm(row, l.InputNorm, d.cfg.NormEps))
		k, v := d.product(in, l.K).Data, d.product(in, l.V).Data
		d.place(k, l.KNorm, at.position)
		d.store(layer, at, k, v)
		if layer == d.cfg.Layers-1 && !at.wanted {
			continue
		}
		q := d.product(in, l.Q).Data
		d.place(q, l.QNorm, at.position)
		d.Add(row, d.product(d.rounded(d.attention(layer, at, q)), l.O).Data)
		copy(h.Row(i), d.norm(row, l.PostNorm, d.cfg.NormEps))
		d.Round(h.Row(i), d.numerics.Wire)
		if !d.cfg.IsDense(layer) {
			copy(gate.Row(i), d.product(rowOf(h.Row(i)), l.Gate).Data)
		}
	}
	return nil
}

// rounded is v as a row that a matrix of attention or the head multiplies. It changes v.
func (d *dense) rounded(v []float32) tensor.Matrix {
	d.Round(v, d.numerics.DenseActivation)
	return rowOf(v)
}

// place norms every head, if the model does, and rotates it to its position.
func (d *dense) place(heads []float32, gain tensor.Weight, position int) {
	half := d.cfg.HeadDim / 2
	cos, sin := make([]float32, half), make([]float32, half)
	kernel.NewRotary(d.cfg.HeadDim, d.cfg.RopeTheta).Angles(cos, sin, position)
	for ; len(heads) > 0; heads = heads[d.cfg.HeadDim:] {
		head := heads[:d.cfg.HeadDim]
		if d.cfg.QKNorm {
			copy(head, d.norm(head, gain, d.cfg.NormEps))
		}
		kernel.Rotate(head, cos, sin)
	}
}

// tile is a block of one key head.
func (d *dense) tile(layer int, blocks []int32, tile, head int) kernel.KVTile {
	return d.cache[layer][int(blocks[tile])*d.cfg.KVHeads+head]
}

// store writes keys and values to the cache, rounded to its format.
func (d *dense) store(layer int, at place, k, v []float32) {
	for head := range d.cfg.KVHeads {
		t := d.tile(layer, at.blocks, at.position/model.BlockSize, head)
		t.Put(at.position%model.BlockSize, headOf(k, head, d.cfg.HeadDim), headOf(v, head, d.cfg.HeadDim))
	}
}

// attention is that of one row, over the tiles that it sees.
func (d *dense) attention(layer int, at place, q []float32) []float32 {
	group, dim, out := d.cfg.Heads/d.cfg.KVHeads, d.cfg.HeadDim, make([]float32, len(q))
	oldest, scale := 0, float32(1/math.Sqrt(float64(dim)))
	if d.cfg.SlidingWindow > 0 {
		oldest = max(0, at.position-d.cfg.SlidingWindow+1)
	}
	for head := range d.cfg.KVHeads {
		var a kernel.Attention
		a.Reset(group, dim)
		for i := range group {
			a.Query(i, headOf(q, head*group+i, dim))
		}
		for tile := oldest / kernel.Tile; tile <= at.position/kernel.Tile; tile++ {
			start := tile * kernel.Tile
			d.Load(&a, d.tile(layer, at.blocks, tile, head))
			d.Kernels.Attend(&a, 0, group, max(0, oldest-start), min(kernel.Tile-1, at.position-start), scale)
		}
		for i := range group {
			a.Finish(i, headOf(out, head*group+i, dim))
		}
	}
	return out
}

func headOf(v []float32, head, dim int) []float32 { return v[head*dim : (head+1)*dim] }

// FeedForward is a layer without experts.
func (d *dense) FeedForward(layer int, h, x tensor.Matrix) error {
	y := d.feedForward(h, d.w.Layers[layer].Dense, d.numerics.FFNActivation)
	for i := range x.Rows {
		d.Add(x.Row(i), y.Row(i))
	}
	return nil
}

// Head computes logits of the rows that want them.
func (d *dense) Head(b *model.Batch, x, logits tensor.Matrix) error {
	for i, row := range b.Outputs {
		in := d.rounded(d.norm(x.Row(int(row)), d.w.Norm, d.cfg.NormEps))
		copy(logits.Row(i), d.product(in, d.w.Head).Data)
	}
	return nil
}
