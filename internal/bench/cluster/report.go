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

// Result is one variant; every number is the median of the rounds.
type Result struct {
	Sequences  int     `json:"sequences"`
	Variant    Variant `json:"variant"`
	TokensPerS float64 `json:"tokens_per_s"`
	// Tokens per second against those of the same round.
	ToWhole   float64 `json:"to_one_process"`
	ToCluster float64 `json:"to_cluster_in_one_piece"`
	// Parts is the number of micro-batches at the end of each round, the first
	// of which warms up.
	Parts []int `json:"micro_batches,omitempty"`
}

// results are the medians of the rounds of one number of sequences.
func results(variants []Variant, n, steps int, took map[Variant][]time.Duration, parts []int) []Result {
	rates := map[Variant][]float64{} // tokens per second, by round
	for _, v := range variants {
		for _, t := range took[v] {
			rates[v] = append(rates[v], float64(n*steps)/t.Seconds())
		}
	}
	var out []Result
	for _, v := range variants {
		r := Result{Sequences: n, Variant: v, TokensPerS: measure.Median(rates[v]),
			ToWhole: measure.MedianRatio(rates[v], rates[Whole]), ToCluster: measure.MedianRatio(rates[v], rates[Cluster])}
		if v == MicroBatches {
			r.Parts = parts
		}
		out = append(out, r)
	}
	return out
}

// WriteText writes a row for each variant and number of sequences.
func (r Report) WriteText(out io.Writer) {
	fmt.Fprintf(out, "%s: decode at position %d, %d nodes, %d replicas; median of %d rounds of %d steps; all logits equal\n",
		r.Model, r.Context, r.Nodes, r.Replicas, r.Rounds, r.Steps)
	fmt.Fprintln(out, "sequences\texperts in\ttokens/s\tto one process\tto cluster in one piece\tmicro-batches\t")
	for _, s := range r.Results {
		fmt.Fprintf(out, "%d\t%s\t%.2f\t%.3f\t%.3f\t%s\t\n", s.Sequences, s.Variant, s.TokensPerS, s.ToWhole, s.ToCluster, list(s.Parts))
	}
}

func list(parts []int) string {
	if len(parts) == 0 {
		return "-"
	}
	return fmt.Sprint(parts)
}
