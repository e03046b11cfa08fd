package scale

import (
	"fmt"
	"io"

	"github.com/hachi-serve/hachi/internal/bench/cell"
)

// WriteText writes a row for each cell.
func (r Report) WriteText(out io.Writer) {
	fmt.Fprintln(out, "model\tnodes\treplicas\tthreads\tbatch\ttokens/s\tTTFT p50\tp90\tp99\tITL p50\tp90\tp99\te2e p50\tp90\tp99\tGB/s\trouter\tnodes\tclient\t")
	for _, c := range r.Cells {
		s, v := c.Setting, c.Result
		var cpu cell.CPU
		for _, r := range c.Rounds {
			n := float64(len(c.Rounds))
			cpu.Router, cpu.Nodes, cpu.Client = cpu.Router+r.CPU.Router/n, cpu.Nodes+r.CPU.Nodes/n, cpu.Client+r.CPU.Client/n
		}
		fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%d\t%.1f\t%s%.1f\t%.2f\t%.2f\t%.2f\t\n", s.Model, s.Nodes, s.Replicas, s.Threads, s.Batch, v.Throughput,
			v.First.Cells()+v.Gap.Cells()+v.Total.Cells(), v.Limits.Stream, cpu.Router, cpu.Nodes, cpu.Client)
	}
}
