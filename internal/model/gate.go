package model

import (
	"fmt"
	"math"
	"slices"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// Gate chooses the k experts with the highest logits [rows, experts] of every
// row, ties to the lowest id, and weighs them by a softmax over the chosen
// logits, in f32. Source: arXiv 2401.04088, section 2.1. r's slices are reused
// when they are large enough. A logit that is not finite has no order, and
// choosing by it would spread damage in silence: it is an error.
func Gate(logits tensor.Matrix, k int, r *moe.Routing) error {
	n := logits.Rows * k
	r.K = k
	r.Experts, r.Weights = slices.Grow(r.Experts[:0], n)[:n], slices.Grow(r.Weights[:0], n)[:n]
	for i := range logits.Rows {
		row := logits.Row(i)
		if id := slices.IndexFunc(row, notFinite); id >= 0 {
			return fmt.Errorf("gate: row %d, expert %d: logit %v, expected a finite number", i, id, row[id])
		}
		chooseTop(row, r.Experts[i*k:(i+1)*k])
		softmaxOver(row, r.Experts[i*k:(i+1)*k], r.Weights[i*k:(i+1)*k])
	}
	return nil
}

func notFinite(v float32) bool { return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) }

// chooseTop fills chosen with the ids of the largest logits, ascending.
func chooseTop(logits []float32, chosen []int32) {
	for n := range chosen {
		best := int32(-1)
		for id, v := range logits {
			if slices.Contains(chosen[:n], int32(id)) {
				continue
			}
			if best < 0 || v > logits[best] {
				best = int32(id)
			}
		}
		chosen[n] = best
	}
	slices.Sort(chosen)
}

// softmaxOver writes the weights of the chosen experts, in their order.
func softmaxOver(logits []float32, chosen []int32, weights []float32) {
	top := logits[chosen[0]]
	for _, id := range chosen {
		top = max(top, logits[id])
	}
	var sum float32
	for i, id := range chosen {
		weights[i] = kernel.Exp(logits[id] - top)
		sum += weights[i]
	}
	for i := range weights {
		weights[i] /= sum
	}
}
