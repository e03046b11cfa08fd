package trace

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// Statistics sum up a trace: what a synthetic one is made from.
type Statistics struct {
	Requests int     `json:"requests"`
	Seconds  float64 `json:"seconds"` // from the first to the last
	Rate     float64 `json:"rate"`    // requests per second
	// Dispersion is variance / mean of the requests in each 10 s: 1 for a Poisson process.
	Dispersion float64 `json:"dispersion"`
	// Shape is mean² / (variance - mean) of the same counts: of the gamma distribution of
	// their rates. 0 where they are no more dispersed than a Poisson process.
	Shape  float64   `json:"gamma_shape"`
	Levels []float64 `json:"quantile_levels"`
	Prompt []float64 `json:"prompt_quantiles"` // tokens
	Answer []float64 `json:"answer_quantiles"`
	// PromptMean and AnswerMean are in tokens.
	PromptMean float64 `json:"prompt_mean"`
	AnswerMean float64 `json:"answer_mean"`
	// Continued is the share of prompts that begin with more than one block of earlier
	// prompts, Fraction how much of such a prompt that is, Reused the share of all blocks.
	// ByLength is Continued for each tenth of the prompts by length.
	Continued float64   `json:"continued"`
	ByLength  []float64 `json:"continued_by_length,omitempty"`
	Fraction  []float64 `json:"continued_fraction_quantiles,omitempty"`
	Reused    float64   `json:"reused_blocks"`
}

// Describe computes the statistics of a trace, which has at least one request.
func Describe(requests []Request) Statistics {
	out := Statistics{Requests: len(requests), Levels: levels[:]}
	var prompts, answers []float64
	for _, r := range requests {
		prompts, answers = append(prompts, float64(r.Prompt)), append(answers, float64(r.Answer))
	}
	out.Seconds = (requests[len(requests)-1].At - requests[0].At).Seconds()
	out.Rate = float64(len(requests)) / max(out.Seconds, 1e-9)
	out.Prompt, out.Answer = quantilesOf(prompts), quantilesOf(answers)
	out.PromptMean, out.AnswerMean = mean(prompts), mean(answers)
	out.count(requests)
	out.share(requests)
	return out
}

// count measures how uneven the arrivals are.
func (s *Statistics) count(requests []Request) {
	windows := make([]float64, max(1, int((requests[len(requests)-1].At-requests[0].At)/modulation)))
	for _, r := range requests {
		if w := int((r.At - requests[0].At) / modulation); w < len(windows) {
			windows[w]++
		}
	}
	average, variance := mean(windows), 0.0
	for _, n := range windows {
		variance += (n - average) * (n - average) / float64(len(windows))
	}
	if average > 0 {
		s.Dispersion = variance / average
	}
	if variance > average {
		s.Shape = average * average / (variance - average)
	}
}

// share measures which blocks occurred before.
func (s *Statistics) share(requests []Request) {
	seen := map[uint64]bool{}
	blocks, reused := 0, 0
	var fractions []float64
	continues := make([]bool, len(requests))
	for i, r := range requests {
		n := 0
		for n < len(r.Blocks) && seen[r.Blocks[n]] {
			n++
		}
		if continues[i] = n > 1; continues[i] {
			fractions = append(fractions, float64(n)/float64(len(r.Blocks)))
		}
		blocks, reused = blocks+len(r.Blocks), reused+n
		for _, b := range r.Blocks {
			seen[b] = true
		}
	}
	s.Continued = float64(len(fractions)) / float64(len(requests))
	s.Reused = float64(reused) / float64(max(1, blocks))
	if len(fractions) > 0 {
		s.Fraction, s.ByLength = quantilesOf(fractions), byLength(requests, continues)
	}
}

// byLength is the share of requests that continue others, for each tenth by length.
func byLength(requests []Request, continues []bool) []float64 {
	order := make([]int, len(requests))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(requests[a].Prompt, requests[b].Prompt) })
	const tenths = 10
	out := make([]float64, tenths)
	for t := range out {
		from, to := t*len(order)/tenths, (t+1)*len(order)/tenths
		for _, i := range order[from:to] {
			if continues[i] {
				out[t] += 1 / float64(to-from)
			}
		}
	}
	return out
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(max(1, len(v)))
}

// quantilesOf are the values at the levels.
func quantilesOf(v []float64) []float64 {
	sorted := slices.SortedFunc(slices.Values(v), cmp.Compare[float64])
	out := make([]float64, len(levels))
	for i, level := range levels {
		out[i] = sorted[min(len(sorted)-1, int(level*float64(len(sorted))))]
	}
	return out
}

// WriteText writes the statistics for people.
func (s Statistics) WriteText(out io.Writer) {
	fmt.Fprintf(out, "%d requests in %.0f s, %.3g a second; dispersion of the counts of 10 s %.3g, gamma shape %.3g\n", s.Requests, s.Seconds, s.Rate, s.Dispersion, s.Shape)
	fmt.Fprintf(out, "prompts of %.0f tokens on average, answers of %.0f\n", s.PromptMean, s.AnswerMean)
	fmt.Fprintf(out, "%.3g of the prompts continue earlier ones, %.3g of all blocks are reused\n\n", s.Continued, s.Reused)
	fmt.Fprintln(out, "level\tprompt\tanswer\tcontinued fraction\t")
	for i, level := range s.Levels {
		fraction := ""
		if len(s.Fraction) > 0 {
			fraction = fmt.Sprintf("%.3g", s.Fraction[i])
		}
		fmt.Fprintf(out, "%g\t%.0f\t%.0f\t%s\t\n", level, s.Prompt[i], s.Answer[i], fraction)
	}
}
