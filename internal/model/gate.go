package model

import (
	"fmt"
	"math"
	"slices"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// GateRule says how gate logits become the weights of the chosen experts. All
// rules choose the k highest logits, ties to the lowest id.
type GateRule int

const (
	// SoftmaxOfTopK: softmax over the chosen logits only. Source: Mixtral,
	// arXiv 2401.04088, section 2.1.
	SoftmaxOfTopK GateRule = iota
	// TopKOfSoftmax: softmax over all logits; the weights of a row sum to less
	// than 1. Source: Qwen3-MoE with norm_topk_prob false.
	TopKOfSoftmax
	// TopKOfSoftmaxNormalized: softmax over all logits, then the chosen weights
	// divided by their sum. Source: Qwen3-MoE with norm_topk_prob true.
	TopKOfSoftmaxNormalized
)

// Gate chooses the k experts with the highest logits [rows, experts] of every
// row, ties to the lowest id, and weighs them by the rule, in f32. r's slices are
// reused when they are large enough. A logit that is not finite has no order,
// and choosing by it would spread damage in silence: it is an error.
func Gate(rule GateRule, logits tensor.Matrix, k int, r *moe.Routing) error {
	n := logits.Rows * k
	r.K = k
	r.Experts, r.Weights = slices.Grow(r.Experts[:0], n)[:n], slices.Grow(r.Weights[:0], n)[:n]
	for i := range logits.Rows {
		row := logits.Row(i)
		if id := slices.IndexFunc(row, notFinite); id >= 0 {
			return fmt.Errorf("gate: row %d, expert %d: logit %v, expected a finite number", i, id, row[id])
		}
		chosen, weights := r.Experts[i*k:(i+1)*k], r.Weights[i*k:(i+1)*k]
		chooseTop(row, chosen)
		if rule == SoftmaxOfTopK {
			softmaxOver(row, chosen, weights)
			continue
		}
		softmaxAll(row, chosen, weights)
		if rule == TopKOfSoftmaxNormalized {
			normalize(weights)
		}
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

// softmaxAll writes the chosen experts' shares of the softmax over all logits.
func softmaxAll(logits []float32, chosen []int32, weights []float32) {
	top := slices.Max(logits)
	var sum float32
	for _, v := range logits {
		sum += kernel.Exp(v - top)
	}
	for i, id := range chosen {
		weights[i] = kernel.Exp(logits[id]-top) / sum
	}
}

// normalize divides by the sum, which is above 0: the largest weight of a
// softmax over n logits is at least 1/n.
func normalize(weights []float32) {
	var sum float32
	for _, w := range weights {
		sum += w
	}
	for i := range weights {
		weights[i] /= sum
	}
}
