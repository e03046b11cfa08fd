package openai

import (
	"cmp"
	"slices"
)

// score ranks candidates of best_of: the mean log probability of a token.
type score struct {
	sum   float64
	count int
}

func (s score) mean() float64 { return s.sum / float64(max(1, s.count)) }

// bestOf keeps the n best of every prompt's candidates, best first, equals in
// their order, and numbers them.
func bestOf(choices []textChoice, scores []score, candidates, n int) []textChoice {
	if candidates == n {
		return choices
	}
	var out []textChoice
	for first := 0; first < len(choices); first += candidates {
		order := make([]int, candidates)
		for i := range order {
			order[i] = first + i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b].mean(), scores[a].mean()) })
		for _, i := range order[:n] {
			choices[i].Index = len(out)
			out = append(out, choices[i])
		}
	}
	return out
}
