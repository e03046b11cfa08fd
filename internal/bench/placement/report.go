package placement

import (
	"fmt"
	"io"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// Report is what was measured.
type Report struct {
	Model     string    `json:"model"`
	Cores     []float64 `json:"cores,omitempty"`
	Skew      float64   `json:"skew"`
	Sequences int       `json:"sequences"`
	Context   int       `json:"context"`
	Replicas  int       `json:"replicas"`
	Redundant int       `json:"redundant_experts"`
	Steps     int       `json:"steps_per_round"`
	Rounds    int       `json:"rounds"`
	Results   []Result  `json:"results"`
}

// Result is one policy; rates and ratios are medians of the rounds.
type Result struct {
	Policy     string  `json:"policy"`
	TokensPerS float64 `json:"tokens_per_s"`
	ToFirst    float64 `json:"to_first"` // tokens per second against the first policy's of the same round
	// PlannedMS is what the planner expects that a step waits for experts.
	PlannedMS float64      `json:"planned_ms_per_step"`
	Nodes     []NodeReport `json:"nodes"`
}

// NodeReport is what a placement gives a node, and what the node takes for an expert
// of a step and for a row, as the node measured it.
type NodeReport struct {
	Node     string  `json:"node"`
	Experts  int     `json:"experts"`
	ExpertMS float64 `json:"expert_ms"`
	RowMS    float64 `json:"row_ms"`
}

func (m *measurement) report(rates map[string][]float64) Report {
	r := Report{
		Model: m.c.Up.Model.Dir, Cores: m.c.Cores, Skew: m.c.Skew, Sequences: m.c.Sequences, Context: m.c.Context,
		Replicas: m.c.Up.Placement.Replicas, Redundant: m.c.Up.Placement.Redundant, Steps: m.c.Steps, Rounds: m.c.Rounds,
	}
	for _, p := range m.plans {
		r.Results = append(r.Results, Result{
			Policy: p.policy, TokensPerS: measure.Median(rates[p.policy]), ToFirst: measure.MedianRatio(rates[p.policy], rates[m.plans[0].policy]),
			PlannedMS: p.score.GetStepSeconds() * 1e3, Nodes: p.nodes,
		})
	}
	return r
}

// WriteText writes a row for each policy, then one for each node.
func (r Report) WriteText(out io.Writer) {
	fmt.Fprintf(out, "%s: decode of %d at position %d, Zipf skew %g, replicas %d; median of %d rounds of %d steps; all logits equal\n",
		r.Model, r.Sequences, r.Context, r.Skew, r.Replicas, r.Rounds, r.Steps)
	fmt.Fprintf(out, "policy\ttokens/s\tto %s\tplanned ms/step\t\n", r.Results[0].Policy)
	for _, s := range r.Results {
		fmt.Fprintf(out, "%s\t%.2f\t%.3f\t%.1f\t\n", s.Policy, s.TokensPerS, s.ToFirst, s.PlannedMS)
	}
	fmt.Fprint(out, "\nnode\tcores\tms per expert\tms per row\t")
	for _, s := range r.Results {
		fmt.Fprintf(out, "%s\t", s.Policy)
	}
	fmt.Fprintln(out)
	for i, n := range r.Results[0].Nodes {
		cores := "all"
		if len(r.Cores) > 0 {
			cores = fmt.Sprint(r.Cores[i])
		}
		fmt.Fprintf(out, "%s\t%s\t%.2f\t%.3f\t", n.Node, cores, n.ExpertMS, n.RowMS)
		for _, s := range r.Results {
			fmt.Fprintf(out, "%d\t", s.Nodes[i].Experts)
		}
		fmt.Fprintln(out)
	}
}
