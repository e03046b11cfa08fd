package model

import (
	"slices"

	"github.com/hachi-serve/hachi/compute/kernel"
	"github.com/hachi-serve/hachi/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// Gate chooses the k experts with the highest logits [rows, experts] of every
// row, ties to the lowest id, and weighs them by a softmax over the chosen
// logits, in f32. Source: arXiv 2401.04088, section 2.1. r's slices are reused
// when they are large enough.
func Gate(logits tensor.Matrix, k int, r *moe.Routing) {
	n := logits.Rows * k
	r.K = k
	r.Experts, r.Weights = slices.Grow(r.Experts[:0], n)[:n], slices.Grow(r.Weights[:0], n)[:n]
	for i := range logits.Rows {
		chooseTop(logits.Row(i), r.Experts[i*k:(i+1)*k])
		softmaxOver(logits.Row(i), r.Experts[i*k:(i+1)*k], r.Weights[i*k:(i+1)*k])
	}
}

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
