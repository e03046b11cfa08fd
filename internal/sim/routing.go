package sim

import (
	"math"
	"math/rand/v2"

	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/moe"
)

// gate chooses experts for rows, as the gate of a model does: topK of a layer, without
// replacement.
type gate struct {
	topK   int
	layers []alias // of layers with experts, by layer
	same   bool    // every row chooses the first experts
}

// newGate prepares the choice. Zipf's ranks are another permutation in every layer.
func newGate(t moe.Topology, topK int, r scenario.Routing, random *rand.Rand) *gate {
	g := &gate{topK: topK, layers: make([]alias, t.Layers()), same: r.Kind == scenario.Adversarial}
	for layer := range g.layers {
		weights := make([]float64, t.In(layer))
		for e, rank := range random.Perm(len(weights)) {
			switch r.Kind {
			case scenario.Zipf:
				weights[e] = math.Pow(float64(rank+1), -r.Skew)
			case scenario.Counts:
				weights[e] = r.Counts[layer][e]
			default:
				weights[e] = 1
			}
		}
		g.layers[layer] = newAlias(weights)
	}
	return g
}

// route writes the experts of some rows, ascending for each row, to the memory of r.
func (g *gate) route(r *moe.Routing, layer, rows int, random *rand.Rand) {
	r.K = g.topK
	r.Experts = resize(r.Experts, rows*g.topK)
	r.Weights = resize(r.Weights, rows*g.topK)
	for row := range rows {
		chosen := r.Experts[row*g.topK : (row+1)*g.topK]
		if g.same {
			for i := range chosen {
				chosen[i] = int32(i)
			}
			continue
		}
		g.layers[layer].choose(chosen, random)
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// alias draws from a discrete distribution in constant time. Source: Vose, "A Linear
// Algorithm for Generating Random Numbers with a Given Distribution" (1991).
type alias struct {
	keep    []float64 // chance to keep a slot's own value
	other   []int32
	weights []float64
}

func newAlias(weights []float64) alias {
	n, sum := len(weights), 0.0
	for _, w := range weights {
		sum += w
	}
	a := alias{make([]float64, n), make([]int32, n), weights}
	scaled := make([]float64, n)
	var small, large []int
	for i, w := range weights {
		if scaled[i] = w * float64(n) / sum; scaled[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		a.keep[s], a.other[s] = scaled[s], int32(l)
		if scaled[l] += scaled[s] - 1; scaled[l] < 1 {
			large, small = large[:len(large)-1], append(small, l)
		}
	}
	for _, i := range append(small, large...) {
		a.keep[i], a.other[i] = 1, int32(i)
	}
	return a
}

func (a *alias) draw(random *rand.Rand) int32 {
	slot := random.IntN(len(a.keep))
	if random.Float64() < a.keep[slot] {
		return int32(slot)
	}
	return a.other[slot]
}

// choose draws distinct values, ascending.
func (a *alias) choose(into []int32, random *rand.Rand) {
	for n := 0; n < len(into); {
		// Where few values have nearly all of the weight, the rest comes in order.
		const tries = 64
		for try := 0; ; try++ {
			value := a.draw(random)
			if try >= tries {
				value = a.unused(into[:n])
			}
			if insert(into[:n+1], value) {
				n++
				break
			}
		}
	}
}

// unused is the first value with weight that is not in a sorted list.
func (a *alias) unused(used []int32) int32 {
	for value, weight := range a.weights {
		if weight > 0 && !contains(used, int32(value)) {
			return int32(value)
		}
	}
	return 0
}

func contains(list []int32, value int32) bool {
	for _, v := range list {
		if v == value {
			return true
		}
	}
	return false
}

// insert puts a value into a sorted list whose last place is free; false if it is there.
func insert(list []int32, value int32) bool {
	at := len(list) - 1
	for i, v := range list[:at] {
		if v == value {
			return false
		}
		if v > value {
			at = i
			break
		}
	}
	copy(list[at+1:], list[at:len(list)-1])
	list[at] = value
	return true
}
