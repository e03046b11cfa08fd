package sampler

import (
	"math"
	"slices"
)

// TokenLogprob is a token and the natural logarithm of its probability.
type TokenLogprob struct {
	Token   int32
	Logprob float32
}

// Logprobs computes the log probability of a token and of the n most likely
// tokens, in descending order, ties to the lowest id.
func Logprobs(logits []float32, token int32, n int) (chosen float32, top []TokenLogprob) {
	highest := float64(logits[argmax(logits)])
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - highest)
	}
	norm := highest + math.Log(sum)
	of := func(id int32) float32 { return float32(float64(logits[id]) - norm) }
	var best []int32
	for id, v := range logits {
		at := len(best)
		for at > 0 && v > logits[best[at-1]] {
			at--
		}
		if at < n {
			best = slices.Insert(best, at, int32(id))
			best = best[:min(n, len(best))]
		}
	}
	for _, id := range best {
		top = append(top, TokenLogprob{id, of(id)})
	}
	return of(token), top
}
