package kernel

import (
	"math"
	"unsafe"

	"github.com/hachi-serve/hachi/compute/tensor"
)

// Tile is the number of positions attention takes at once. Tiles begin at
// multiples of it.
const Tile = Lanes

// tileScratch is the memory of one tile of attention.
type tileScratch struct {
	scores []float32 // [heads, Tile]
	ones   []float32 // [headDim]
}

// Attention accumulates the attention of the query heads of one row that share
// a key head, over tiles of keys and values, by online softmax. Tiles must come
// in ascending order.
type Attention struct {
	heads, dim int
	acc        []float32 // [heads, dim] weighted sums of values, unnormalised
	max, sum   []float32 // [heads]
	any        bool
}

// Reset makes the accumulator ready for another row.
func (a *Attention) Reset(heads, dim int) {
	a.heads, a.dim, a.any = heads, dim, false
	clear(fit(&a.acc, heads*dim))
	clear(fit(&a.max, heads))
	clear(fit(&a.sum, heads))
}

// KVTile is one tile of one key head: keys and values [Tile, headDim] in DType.
// Positions First..Last, within the tile, are seen.
type KVTile struct {
	DType        tensor.DType
	Keys, Values []byte
	First, Last  int
}

// Attend takes one tile for queries q [heads, headDim].
func (k *Kernels) Attend(s *Scratch, a *Attention, q []float32, t KVTile, scale float32) {
	x := tensor.Matrix{Rows: a.heads, Cols: a.dim, Stride: a.dim, Data: q}
	y := tensor.Matrix{Rows: a.heads, Cols: Tile, Stride: Tile, Data: fit(&s.tile.scores, a.heads*Tile)}
	k.product(s, output{y, 0}, x, tensor.Weight{DType: t.DType, Rows: Tile, Cols: a.dim, Data: t.Keys}, 0, Tile)
	for h := range a.heads {
		p := (*[Tile]float32)(y.Row(h))
		k.softmaxStep(s, a, h, p, t.First, t.Last, scale)
		k.addValues(a.acc[h*a.dim:(h+1)*a.dim], p, t)
	}
	a.any = true
}

// softmaxStep turns scores into weights under the running maximum, and fades
// what was accumulated when the maximum rises.
func (k *Kernels) softmaxStep(s *Scratch, a *Attention, h int, p *[Tile]float32, first, last int, scale float32) {
	top := float32(math.Inf(-1))
	for i := first; i <= last; i++ {
		p[i] *= scale
		top = max(top, p[i])
	}
	if a.any {
		top = max(top, a.max[h])
		if fade := Exp(a.max[h] - top); fade != 1 {
			a.sum[h] *= fade
			k.scale(s, a.acc[h*a.dim:(h+1)*a.dim], fade)
		}
	}
	k.expTile(unsafe.Pointer(p), top)
	clear(p[:first])
	clear(p[last+1:])
	weights := *p
	a.sum[h] += tree(&weights)
	a.max[h] = top
}

// scale is v *= f.
func (k *Kernels) scale(s *Scratch, v []float32, f float32) {
	if len(s.tile.ones) < len(v) {
		ones := fit(&s.tile.ones, len(v))
		for i := range ones {
			ones[i] = 1
		}
	}
	n := len(v) &^ (Lanes - 1)
	if n > 0 {
		k.scaleMul(at(v, 0), at(v, 0), at(s.tile.ones, 0), f, n)
	}
	for i := n; i < len(v); i++ {
		v[i] *= f
	}
}

// addValues adds the weighted values of the positions that are seen.
func (k *Kernels) addValues(acc []float32, p *[Tile]float32, t KVTile) {
	d, size := len(acc), t.DType.Size()
	values := t.Values[t.First*d*size : (t.Last+1)*d*size]
	n := d &^ (Lanes - 1)
	if n > 0 {
		k.weigh[slot(t.DType)](at(acc, 0), unsafe.Pointer(&p[t.First]), pointer(values), d*size, n, t.Last-t.First+1)
	}
	var rest [Lanes]float32
	for i := t.First; n < d && i <= t.Last; i++ {
		tensor.Decode(rest[:d-n], values[((i-t.First)*d+n)*size:(i-t.First+1)*d*size], t.DType)
		for j, v := range rest[:d-n] {
			acc[n+j] = FMA(p[i], v, acc[n+j])
		}
	}
}

// Finish writes the attention output [heads, headDim].
func (a *Attention) Finish(out []float32) {
	for h := range a.heads {
		row := out[h*a.dim : (h+1)*a.dim]
		for j, v := range a.acc[h*a.dim : (h+1)*a.dim] {
			row[j] = v / a.sum[h]
		}
	}
}
