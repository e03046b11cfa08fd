package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/hachi-serve/hachi/compute/tensor"
)

// context is keys and values of one key head, with queries whose scores rise
// with position, so that every tile moves the maximum.
type context struct {
	heads, dim, n int
	dtype         tensor.DType
	q             []float32
	keys, values  []byte
}

func risingContext(t *testing.T, rng *rand.Rand, d tensor.DType, heads, dim, n int) context {
	c := context{heads: heads, dim: dim, n: n, dtype: d, q: values(rng, heads*dim)}
	room := (n + Tile - 1) / Tile * Tile * dim
	keys, vals := make([]float32, room), values(rng, room)
	for i := range keys {
		keys[i] = float32(rng.NormFloat64()) + c.q[i%dim]*float32(i/dim)/float32(8*dim)
	}
	for i := n * dim; i < room; i++ { // never seen, so never used
		keys[i], vals[i] = float32(math.NaN()), float32(math.Inf(1))
	}
	c.keys, c.values = fenced(t, room*d.Size()), fenced(t, room*d.Size())
	tensor.Encode(c.keys, keys, d)
	tensor.Encode(c.values, vals, d)
	return c
}

func (c context) attend(k *Kernels, first int) []float32 {
	var a Attention
	s := NewScratch()
	a.Reset(c.heads, c.dim)
	size := Tile * c.dim * c.dtype.Size()
	for tile := first / Tile; tile*Tile < c.n; tile++ {
		k.Attend(s, &a, c.q, KVTile{
			DType: c.dtype, Keys: c.keys[tile*size : (tile+1)*size], Values: c.values[tile*size : (tile+1)*size],
			First: max(0, first-tile*Tile), Last: min(Tile-1, c.n-1-tile*Tile),
		}, 0.3)
	}
	out := make([]float32, c.heads*c.dim)
	a.Finish(out)
	return out
}

func (c context) exact(first int) []float64 {
	keys, vals := make([]float32, len(c.keys)/c.dtype.Size()), make([]float32, len(c.values)/c.dtype.Size())
	tensor.Decode(keys, c.keys, c.dtype)
	tensor.Decode(vals, c.values, c.dtype)
	out := make([]float64, c.heads*c.dim)
	for h := range c.heads {
		scores, top := make([]float64, c.n), math.Inf(-1)
		for i := first; i < c.n; i++ {
			for j := range c.dim {
				scores[i] += float64(c.q[h*c.dim+j]) * float64(keys[i*c.dim+j]) * 0.3
			}
			top = max(top, scores[i])
		}
		var sum float64
		for i := first; i < c.n; i++ {
			e := math.Exp(scores[i] - top)
			sum += e
			for j := range c.dim {
				out[h*c.dim+j] += e * float64(vals[i*c.dim+j])
			}
		}
		for j := range c.dim {
			out[h*c.dim+j] /= sum
		}
	}
	return out
}

func TestAttentionIsSoftmaxWithTheBitsOfTheReference(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(17, 18))
		for _, d := range []tensor.DType{tensor.F32, tensor.BF16} {
			for _, size := range []struct{ heads, dim, n int }{{1, 12, 53}, {4, 128, 5 * Tile}, {3, 8, Tile + 1}, {7, 40, 33}, {2, 136, 1}} {
				c := risingContext(t, rng, d, size.heads, size.dim, size.n)
				for _, first := range []int{0, 1, Tile - 1, Tile, Tile + 3} {
					if first >= c.n {
						continue
					}
					got := c.attend(k, first)
					name := fmt.Sprintf("%v %v from %d", d, size, first)
					sameBits(t, name, got, c.attend(Go(), first))
					for i, want := range c.exact(first) {
						if math.Abs(float64(got[i])-want) > 2e-5*(1+math.Abs(want)) {
							t.Fatalf("%s: element %d is %g, want %g", name, i, got[i], want)
						}
					}
				}
			}
		}
	})
}
