package cluster

import (
	"fmt"
	"io"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// Report is what was measured.
type Report struct {
	Model    string   `json:"model"`
	Nodes    int      `json:"nodes"`
	Replicas int      `json:"replicas"`
	Context  int      `json:"context"`
	Steps    int      `json:"steps_per_round"`
	Rounds   int      `json:"rounds"`
	Results  []Result `json:"results"`
}

// Result is one way; every number is the median of the rounds.
type Result struct {
	Sequences  int     `json:"sequences"`
	Way        Way     `json:"way"`
	TokensPerS float64 `json:"tokens_per_s"`
	// Tokens per second against those of the same round.
	ToWhole float64 `json:"to_one_process"`
	ToPlain float64 `json:"to_cluster_in_one_piece"`
	// Parts is the number of micro-batches at the end of each round, the first
	// of which warms up.
	Parts []int `json:"micro_batches,omitempty"`
}

// results are the medians of the rounds of one number of sequences.
func results(n, steps int, took map[Way][]time.Duration, parts []int) []Result {
	rates := map[Way][]float64{} // tokens per second, by round
	for _, w := range ways {
		for _, t := range took[w] {
			rates[w] = append(rates[w], float64(n*steps)/t.Seconds())
		}
	}
	var out []Result
	for _, w := range ways {
		r := Result{Sequences: n, Way: w, TokensPerS: measure.Median(rates[w]),
			ToWhole: measure.MedianRatio(rates[w], rates[Whole]), ToPlain: measure.MedianRatio(rates[w], rates[Plain])}
		if w == Auto {
			r.Parts = parts
		}
		out = append(out, r)
	}
	return out
}

// WriteText writes a row for each way and number of sequences.
func (r Report) WriteText(out io.Writer) {
	fmt.Fprintf(out, "%s: decode at position %d, %d nodes, %d replicas; median of %d rounds of %d steps; all logits equal\n",
		r.Model, r.Context, r.Nodes, r.Replicas, r.Rounds, r.Steps)
	fmt.Fprintln(out, "sequences\texperts in\ttokens/s\tto one process\tto cluster in one piece\tmicro-batches\t")
	for _, s := range r.Results {
		fmt.Fprintf(out, "%d\t%s\t%.2f\t%.3f\t%.3f\t%s\t\n", s.Sequences, s.Way, s.TokensPerS, s.ToWhole, s.ToPlain, list(s.Parts))
	}
}

func list(parts []int) string {
	if len(parts) == 0 {
		return "-"
	}
	return fmt.Sprint(parts)
}
