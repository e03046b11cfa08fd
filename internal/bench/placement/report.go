package placement

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// Report is what was measured.
type Report struct{ cell.Contest }

func (m *measurement) report(rates map[option][]float64) Report {
	r := Report{cell.Contest{
		Version: cell.Version, Model: filepath.Base(m.c.Up.Model.Dir), Config: m.config, Quantize: m.c.Up.Model.Quantize, Machine: m.gauge.Machine(),
		Cores: m.c.Cores, NodeThreads: m.c.Up.NodeThreads(), RouterThreads: m.c.Up.RouterThreads(), DelayMS: m.c.Delay.Seconds() * 1e3,
		Skew: m.c.Skew, Sequences: m.c.Sequences, Context: m.c.Context, Redundant: m.c.Up.Placement.Redundant, Steps: m.c.Steps,
	}}
	for _, n := range m.nodes {
		r.Nodes, r.Speeds = append(r.Nodes, n.GetNodeId()), append(r.Speeds, cell.Speed{ExpertMS: n.GetExpertSeconds() * 1e3, RowMS: n.GetRowSeconds() * 1e3})
	}
	for _, o := range m.options {
		r.Options = append(r.Options, cell.Option{
			Policy: o.plan.policy, Replicas: o.plan.copies, MicroBatches: o.microBatches, Rates: rates[o], PlannedMS: o.plan.score.GetStepSeconds() * 1e3, Experts: o.plan.experts,
		})
	}
	return r
}

// WriteText writes a row for each option, then one for each node.
func (r Report) WriteText(out io.Writer) {
	fmt.Fprintf(out, "%s: decode of %d at position %d, Zipf skew %g, packets %g ms late; median of %d rounds of %d steps; all logits equal\n",
		r.Model, r.Sequences, r.Context, r.Skew, r.DelayMS, len(r.Options[0].Rates), r.Steps)
	fmt.Fprintln(out, "policy\treplicas\tmicro-batches\ttokens/s\tto the first\tplanned ms/step\texperts on the nodes\t")
	for _, o := range r.Options {
		fmt.Fprintf(out, "%s\t%d\t%d\t%.2f\t%.3f\t%.1f\t%v\t\n", o.Policy, o.Replicas, o.MicroBatches, o.Rate(), measure.MedianRatio(o.Rates, r.Options[0].Rates), o.PlannedMS, o.Experts)
	}
	fmt.Fprint(out, "\nnode\tcores\tms per expert\tms per row\t\n")
	for i, n := range r.Speeds {
		cores := "all"
		if len(r.Cores) > 0 {
			cores = fmt.Sprint(r.Cores[i])
		}
		fmt.Fprintf(out, "%s\t%s\t%.2f\t%.3f\t\n", r.Nodes[i], cores, n.ExpertMS, n.RowMS)
	}
}
