package share

import (
	"fmt"
	"io"
	"slices"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// Report has the medians of the rounds.
type Report struct {
	Model   string   `json:"model"`
	Nodes   int      `json:"nodes"` // of each cluster
	Streams int      `json:"streams"`
	Cores   int      `json:"cores"`
	Seconds float64  `json:"seconds"` // of a turn
	Rounds  int      `json:"rounds"`
	Results []Result `json:"results"`
}

// Result is one scene.
type Result struct {
	Scene      Scene     `json:"scene"`
	TokensPerS []float64 `json:"tokens_per_s"` // of each cluster
	// Fairness is the smallest rate over the largest, 1 of one cluster.
	Fairness float64 `json:"fairness"`
	// All counts every thread of the clusters' processes but etcd's, Computing those that compute.
	All       Demand `json:"all_threads"`
	Computing Demand `json:"computing_threads"`
	// Threads that want a core, for each core.
	AllOver       float64 `json:"all_over"`
	ComputingOver float64 `json:"computing_over"`
}

func reportOf(c Config, cores int, scenes []Scene, turns map[Scene][]turn) Report {
	r := Report{Model: c.Up.Model.Dir, Nodes: c.Up.Nodes, Streams: c.Streams, Cores: cores, Seconds: c.For.Seconds(), Rounds: c.Rounds}
	for _, s := range scenes {
		of := func(value func(turn) float64) float64 {
			all := make([]float64, len(turns[s]))
			for i, t := range turns[s] {
				all[i] = value(t)
			}
			return measure.Median(all)
		}
		one := Result{
			Scene:         s,
			Fairness:      of(func(t turn) float64 { return slices.Min(t.rates) / max(slices.Max(t.rates), 1e-9) }),
			All:           Demand{of(func(t turn) float64 { return t.all.Running }), of(func(t turn) float64 { return t.all.Waiting })},
			Computing:     Demand{of(func(t turn) float64 { return t.computing.Running }), of(func(t turn) float64 { return t.computing.Waiting })},
			AllOver:       of(func(t turn) float64 { return t.all.Over(cores) }),
			ComputingOver: of(func(t turn) float64 { return t.computing.Over(cores) }),
		}
		for i := range s.clusters() {
			one.TokensPerS = append(one.TokensPerS, of(func(t turn) float64 { return t.rates[i] }))
		}
		r.Results = append(r.Results, one)
	}
	return r
}

// WriteText writes a row for each scene.
func (r Report) WriteText(out io.Writer) {
	fmt.Fprintf(out, "%s: %d nodes and %d streams a cluster, %d cores; median of %d rounds of %.0f s\n", r.Model, r.Nodes, r.Streams, r.Cores, r.Rounds, r.Seconds)
	fmt.Fprintln(out, "\ttokens/s\tslower to faster\tthreads that compute: run\twait\tfor each core\tall threads: run\twait\tfor each core\t")
	for _, s := range r.Results {
		fmt.Fprintf(out, "%s\t%.1f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t\n",
			s.Scene, s.TokensPerS, s.Fairness, s.Computing.Running, s.Computing.Waiting, s.ComputingOver, s.All.Running, s.All.Waiting, s.AllOver)
	}
}
