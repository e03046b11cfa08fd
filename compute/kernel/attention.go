package kernel

import "math"

// Tile is the number of positions attention takes at once. Tiles begin at
// multiples of it.
const Tile = Lanes

// Attention accumulates the attention of one query over tiles of keys and
// values by online softmax. The zero value with Acc set to headDim zeros is
// ready; tiles must come in ascending order.
type Attention struct {
	Acc []float32 // [headDim] weighted sum of values, unnormalised
	max float32
	sum float32
	any bool
}

// Reset makes the accumulator ready for another query.
func (a *Attention) Reset() {
	clear(a.Acc)
	a.max, a.sum, a.any = 0, 0, false
}

// Add takes one tile: keys and values [Tile, headDim], of which positions
// first..last (inclusive, within the tile) are seen by query q [headDim].
//
//go:norace
func (a *Attention) Add(q, keys, values []float32, first, last int, scale float32) {
	var p [Tile]float32
	d := len(q)
	top := float32(math.Inf(-1))
	for i := first; i <= last; i++ {
		p[i] = Dot(q, keys[i*d:(i+1)*d]) * scale
		top = max(top, p[i])
	}
	if a.any {
		top = max(top, a.max)
		if fade := Exp(a.max - top); fade != 1 {
			a.sum *= fade
			for j := range a.Acc {
				a.Acc[j] *= fade
			}
		}
	}
	for i := range p {
		if i < first || i > last {
			p[i] = 0
			continue
		}
		p[i] = Exp(p[i] - top)
	}
	for i := first; i <= last; i++ {
		row := values[i*d : (i+1)*d]
		for j, v := range row {
			a.Acc[j] = FMA(p[i], v, a.Acc[j])
		}
	}
	a.sum += tree(&p)
	a.max, a.any = top, true
}

// Finish writes the attention output [headDim].
func (a *Attention) Finish(out []float32) {
	for j, v := range a.Acc {
		out[j] = v / a.sum
	}
}
