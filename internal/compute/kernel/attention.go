package kernel

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// Attention accumulates the attention of queries that share a key head, over
// tiles of keys and values, by online softmax. A tile is widened once and then
// serves all queries. A query's result does not depend on the other queries.
//
// For each query, after some tiles: max is the largest score, sum the sum of
// Exp(score - max), acc the sum of Exp(score - max) * value. A tile with a larger
// score multiplies sum and acc by rescale = Exp(old max - new max).
type Attention struct {
	n, dim, width     int
	q, acc            []float32 // [n, width]
	max, sum, rescale []float32 // [n]
	scores            []float32 // [n, Tile]
	tile              wideTile
}

// wideTile is a KVTile in f32. Width is headDim, padded to whole groups of
// Lanes with zeros.
type wideTile struct {
	keys                   []float32 // [width, Tile]
	values                 []float32 // [Tile, width]
	keyScales, valueScales [Tile]float32
}

// Reset prepares for n queries of dim elements.
func (a *Attention) Reset(n, dim int) {
	a.n, a.dim, a.width = n, dim, packed(dim)
	fit(&a.q, n*a.width)
	clear(fit(&a.acc, n*a.width))
	clear(fit(&a.sum, n))
	fit(&a.rescale, n)
	fit(&a.scores, n*Tile)
	for i := range fit(&a.max, n) {
		a.max[i] = float32(math.Inf(-1))
	}
	clear(fit(&a.tile.keys, a.width*Tile)[dim*Tile:])
	fit(&a.tile.values, Tile*a.width)
	for i := range Tile {
		a.tile.keyScales[i], a.tile.valueScales[i] = 1, 1
	}
}

// Query sets query i [headDim].
func (a *Attention) Query(i int, q []float32) {
	row := a.q[i*a.width : (i+1)*a.width]
	clear(row[copy(row[:a.dim], q):])
}

// Load widens a tile. Tiles must come in ascending order.
func (k *Kernels) Load(a *Attention, t KVTile) {
	t.check(a.dim)
	k.widen(a.tile.keys[:a.dim*Tile], t.Keys, t.Format)
	if a.width == a.dim {
		k.widen(a.tile.values, t.Values, t.Format)
	} else {
		for i := range Tile {
			row := a.tile.values[i*a.width : (i+1)*a.width]
			size := a.dim * t.Format.Size()
			k.widen(row[:a.dim], t.Values[i*size:(i+1)*size], t.Format)
			clear(row[a.dim:])
		}
	}
	copy(a.tile.keyScales[:], t.KeyScales)
	copy(a.tile.valueScales[:], t.ValueScales)
}

// Prefetch fetches a tile that will be loaded soon. Tiles are scattered in the
// cache's memory, so the hardware prefetcher cannot predict them.
func (k *Kernels) Prefetch(t KVTile) {
	k.prefetch(pointer(t.Keys), len(t.Keys))
	k.prefetch(pointer(t.Values), len(t.Values))
}

// widen is Unpack for the formats of the KV cache, without scales.
func (k *Kernels) widen(dst []float32, src []byte, f tensor.KVFormat) {
	if !f.Scaled() {
		k.Unpack(dst, src, f.Element())
		return
	}
	n := len(dst) &^ (Lanes - 1)
	if n > 0 {
		k.unpack8(at(dst, 0), pointer(src), n, 4*Lanes)
	}
	for i := n; i < len(dst); i++ {
		dst[i] = float32(int8(src[i]))
	}
}

// Attend adds the loaded tile to queries lo..hi-1, which see its positions
// first..last. Scores are multiplied by scale.
func (k *Kernels) Attend(a *Attention, lo, hi, first, last int, scale float32) {
	if lo < 0 || hi > a.n || first < 0 || first > last || last >= Tile {
		panic(fmt.Sprintf("kernel: queries %d to %d of %d, positions %d to %d of a tile", lo, hi, a.n, first, last))
	}
	t, rows := &a.tile, span{lo, hi}
	for i := lo; i < hi; {
		c := rows.tile(i)
		p := at(a.scores, i*Tile)
		k.scores[c-1](p, at(a.q, i*a.width), at(t.keys, 0), 4*a.width, a.width)
		k.softmax(p, at(a.max, i), at(a.sum, i), at(a.rescale, i), unsafe.Pointer(&t.keyScales), unsafe.Pointer(&t.valueScales), c, first, last, scale)
		k.accumulatePV[c-1](at(a.acc, i*a.width), unsafe.Add(p, 4*first), at(t.values, first*a.width), at(a.rescale, i), a.width, last-first+1)
		i += c
	}
}

// Finish writes the attention of query i [headDim].
func (a *Attention) Finish(i int, out []float32) {
	for j, v := range a.acc[i*a.width : i*a.width+a.dim] {
		out[j] = v / a.sum[i]
	}
}
