package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// context is keys and values of one key head, with rows of queries whose scores
// rise with position, so that every tile moves the maximum.
type context struct {
	rows, dim, n int
	q            []float32 // [rows, dim]
	tiles        []KVTile
}

var kvTypes = []tensor.KVFormat{tensor.KVF32, tensor.KVF16, tensor.KVBF16, tensor.KVInt8}

func risingContext(t *testing.T, rng *rand.Rand, d tensor.KVFormat, rows, dim, n int) context {
	c := context{rows: rows, dim: dim, n: n, q: make([]float32, rows*dim)}
	for i := range c.q {
		c.q[i] = float32(rng.NormFloat64())
	}
	for first := 0; first < n; first += Tile {
		c.tiles = append(c.tiles, newTile(t, d, dim))
		for i := range Tile {
			key, value := make([]float32, dim), values(rng, dim)
			for j := range key {
				key[j] = float32(rng.NormFloat64()) + c.q[j]*float32(first+i)/float32(dim)
			}
			if first+i >= n { // never seen, so never used
				key[0], value[0] = float32(math.NaN()), float32(math.Inf(1))
			}
			c.tiles[first/Tile].Put(i, key, value)
		}
	}
	return c
}

func newTile(t *testing.T, d tensor.KVFormat, dim int) KVTile {
	tile := KVTile{Format: d, Keys: fenced(t, KVTileBytes(d, dim)), Values: fenced(t, KVTileBytes(d, dim))}
	if d == tensor.KVInt8 {
		tile.KeyScales, tile.ValueScales = make([]float32, Tile), make([]float32, Tile)
	}
	return tile
}

// attend computes the attention of queries lo..hi-1 over positions first..n-1.
func (c context) attend(k *Kernels, lo, hi, first int) []float32 {
	var a Attention
	a.Reset(hi-lo, c.dim)
	for i := lo; i < hi; i++ {
		a.Query(i-lo, c.q[i*c.dim:(i+1)*c.dim])
	}
	for tile := first / Tile; tile*Tile < c.n; tile++ {
		k.Load(&a, c.tiles[tile])
		k.Attend(&a, 0, hi-lo, max(0, first-tile*Tile), min(Tile-1, c.n-1-tile*Tile), 0.3)
	}
	out := make([]float32, (hi-lo)*c.dim)
	for i := range hi - lo {
		a.Finish(i, out[i*c.dim:(i+1)*c.dim])
	}
	return out
}

// read is the key and the value of a position as the cache has them.
func (c context) read(position int) (key, value []float32) {
	t, i := c.tiles[position/Tile], position%Tile
	key, value = make([]float32, c.dim), make([]float32, c.dim)
	size := t.Format.Size()
	for j := range c.dim {
		k, v := t.Keys[(j*Tile+i)*size:], t.Values[(i*c.dim+j)*size:]
		if t.Format == tensor.KVInt8 {
			key[j], value[j] = float32(int8(k[0]))*t.KeyScales[i], float32(int8(v[0]))*t.ValueScales[i]
			continue
		}
		tensor.Decode(key[j:j+1], k[:size], t.Format.Element())
		tensor.Decode(value[j:j+1], v[:size], t.Format.Element())
	}
	return key, value
}

// exact is the attention in f64, and how large its terms are.
func (c context) exact(first int) (out, size []float64) {
	out, size = make([]float64, c.rows*c.dim), make([]float64, c.rows*c.dim)
	for r := range c.rows {
		scores, top := make([]float64, c.n), math.Inf(-1)
		for i := first; i < c.n; i++ {
			key, _ := c.read(i)
			for j := range c.dim {
				scores[i] += float64(c.q[r*c.dim+j]) * float64(key[j]) * 0.3
			}
			top = max(top, scores[i])
		}
		var sum float64
		for i := first; i < c.n; i++ {
			e := math.Exp(scores[i] - top)
			sum += e
			_, value := c.read(i)
			for j := range c.dim {
				out[r*c.dim+j] += e * float64(value[j])
				size[r*c.dim+j] += e * math.Abs(float64(value[j]))
			}
		}
		for j := range c.dim {
			out[r*c.dim+j] /= sum
			size[r*c.dim+j] /= sum
		}
	}
	return out, size
}

func TestAttentionIsSoftmaxWithTheBitsOfTheReference(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(17, 18))
		for _, d := range kvTypes {
			for _, size := range []struct{ rows, dim, n int }{{1, 12, 53}, {4, 128, 5 * Tile}, {3, 8, Tile + 1}, {7, 40, 33}, {2, 136, 1}, {16, 64, 2*Tile + 9}} {
				c := risingContext(t, rng, d, size.rows, size.dim, size.n)
				for _, first := range []int{0, 1, Tile - 1, Tile, Tile + 3} {
					if first >= c.n {
						continue
					}
					got := c.attend(k, 0, c.rows, first)
					name := fmt.Sprintf("%v %v from %d", d, size, first)
					sameBits(t, name, got, c.attend(Go(), 0, c.rows, first))
					exact, terms := c.exact(first)
					for i, want := range exact {
						if math.Abs(float64(got[i])-want) > 2e-5*terms[i] {
							t.Fatalf("%s: element %d is %g, want %g", name, i, got[i], want)
						}
					}
				}
			}
		}
	})
}

// TestAQueryDoesNotDependOnTheOthers computes every query among others and by
// itself, for every number of queries that share a tile.
func TestAQueryDoesNotDependOnTheOthers(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(19, 20))
		for _, d := range kvTypes {
			c := risingContext(t, rng, d, 2*tileCols+2, 48, 3*Tile+5)
			for hi := 1; hi <= c.rows; hi++ {
				all := c.attend(k, 0, hi, 3)
				for i := range hi {
					sameBits(t, fmt.Sprintf("%v: query %d of %d", d, i, hi), all[i*c.dim:(i+1)*c.dim], c.attend(k, i, i+1, 3))
				}
			}
		}
	})
}

func TestScoresAreInnerProducts(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(23, 24))
		for rows := 1; rows <= tileCols; rows++ {
			for _, n := range []int{16, 32, 64, 112, 128} {
				q, keys, got := values(rng, rows*n), values(rng, n*Tile), make([]float32, rows*Tile)
				k.scores[rows-1](at(got, 0), at(q, 0), at(keys, 0), 4*n, n)
				for r := range rows {
					for i := range Tile {
						key := make([]float32, n)
						for j := range key {
							key[j] = keys[j*Tile+i]
						}
						sameBits(t, fmt.Sprintf("row %d of %d, position %d, n %d", r, rows, i, n), got[r*Tile+i:][:1], []float32{Dot(q[r*n:(r+1)*n], key)})
					}
				}
			}
		}
	})
}

// TestSoftmaxAtEveryRegime has scores on both sides of every border of Exp,
// under maxima that rise, stay or are not yet known.
func TestSoftmaxAtEveryRegime(t *testing.T) {
	type state struct{ p, top, sum, fade []float32 }
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(25, 26))
		ks, vs := make([]float32, Tile), make([]float32, Tile)
		for i := range ks {
			ks[i], vs[i] = 0.5+rng.Float32(), 0.5+rng.Float32()
		}
		for from := float32(-110); from < 3; from += 0.61 {
			for n := 1; n <= tileCols; n++ {
				first := rng.IntN(Tile)
				last := first + rng.IntN(Tile-first)
				var begin state
				for r := range n {
					for i := range Tile {
						begin.p = append(begin.p, (from+float32(i)*0.0237)/ks[i])
					}
					begin.p[r*Tile+first+rng.IntN(last-first+1)] = float32(rng.NormFloat64())
					begin.top = append(begin.top, []float32{float32(math.Inf(-1)), from, 0, 5}[rng.IntN(4)])
					begin.sum, begin.fade = append(begin.sum, rng.Float32()*40), append(begin.fade, 0)
				}
				run := func(k *Kernels) (s state) {
					s = state{slices.Clone(begin.p), slices.Clone(begin.top), slices.Clone(begin.sum), slices.Clone(begin.fade)}
					k.softmax(at(s.p, 0), at(s.top, 0), at(s.sum, 0), at(s.fade, 0), at(ks, 0), at(vs, 0), n, first, last, 1.25)
					return s
				}
				got, want := run(k), run(Go())
				name := fmt.Sprintf("%d rows from %g, positions %d to %d", n, from, first, last)
				sameBits(t, name+": top", got.top, want.top)
				sameBits(t, name+": fade", got.fade, want.fade)
				sameBits(t, name+": sum", got.sum, want.sum)
				sameBits(t, name, got.p, want.p)
			}
		}
	})
}

// TestInt8KeepsTheLargestMagnitude: one scale per position, to the half of a
// unit of it, and nothing of other positions.
func TestInt8KeepsTheLargestMagnitude(t *testing.T) {
	rng := rand.New(rand.NewPCG(27, 28))
	const dim = 24
	tile := newTile(t, tensor.KVInt8, dim)
	c := context{dim: dim, tiles: []KVTile{tile}}
	var rows [Tile][2][]float32
	for i := range rows {
		size := float32(math.Pow(10, float64(i-8)))
		for side := range rows[i] {
			rows[i][side] = values(rng, dim)
			for j := range rows[i][side] {
				rows[i][side][j] *= size
			}
		}
	}
	rows[3] = [2][]float32{make([]float32, dim), make([]float32, dim)}
	rows[5][0][2] = 1e-42 // too small to have an inverse
	clear(rows[5][0][3:])
	clear(rows[5][0][:2])
	for _, i := range rng.Perm(Tile) {
		tile.Put(i, rows[i][0], rows[i][1])
	}
	for i, want := range rows {
		var got [2][]float32
		got[0], got[1] = c.read(i)
		for side := range want {
			var top float64
			for _, v := range want[side] {
				top = max(top, math.Abs(float64(v)))
			}
			for j, v := range want[side] {
				if off := math.Abs(float64(got[side][j]) - float64(v)); off > top/127/2*1.0001+1e-41 {
					t.Errorf("position %d, side %d, element %d: %g became %g", i, side, j, v, got[side][j])
				}
			}
		}
	}
}
