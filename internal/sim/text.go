package sim

import (
	"fmt"
	"io"

	"github.com/hachi-serve/hachi/internal/printable"
	"github.com/hachi-serve/hachi/internal/role"
)

// shownNodes bounds the rows of nodes in the text; JSON has all.
const shownNodes = 16

// WriteText writes tables for people.
func (r Report) WriteText(w io.Writer) {
	q := r.Requests
	fmt.Fprintf(w, "%d requests in %.1f s: %d completed, %d rejected, %d too long, %d lost, %d unfinished; %d shortened, %d resumed\n",
		q.All, r.Seconds, q.Completed, q.Rejected, q.TooLong, q.Lost, q.Unfinished, q.Shortened, q.Resumed)
	fmt.Fprintf(w, "%.1f tokens/s generated, %.1f tokens/s of prompts\n\n", r.Throughput, r.Prefill)
	fmt.Fprintln(w, "latency\tp50\tp90\tp99\tmax\t")
	for _, l := range []struct {
		name string
		all  []float64
	}{
		{"TTFT", []float64{r.First.P50, r.First.P90, r.First.P99, r.First.Max}}, {"ITL", []float64{r.Gap.P50, r.Gap.P90, r.Gap.P99, r.Gap.Max}},
		{"E2E", []float64{r.Total.P50, r.Total.P90, r.Total.P99, r.Total.Max}},
	} {
		fmt.Fprintf(w, "%s", l.name)
		for _, ms := range l.all {
			fmt.Fprintf(w, "\t%.2f ms", ms)
		}
		fmt.Fprintln(w, "\t")
	}
	r.writeSteps(w)
	r.writeProcesses(w)
}

// writeSteps writes where the time of steps went.
func (r Report) writeSteps(w io.Writer) {
	s := r.Steps
	fmt.Fprintf(w, "\n%d steps, %.1f rows each, %d abandoned; with 1, 2, ... micro-batches: %d\n", s.Count, s.Rows, s.Abandoned, s.MicroBatches)
	fmt.Fprintln(w, "step\tattention\twire\tslowest expert\twait\thead\t")
	fmt.Fprintf(w, "%.3f ms\t%.3f ms\t%.3f ms\t%.3f ms\t%.3f ms\t%.3f ms\t\n", s.Total, s.Attention, s.Wire, s.Experts, s.Wait, s.Head)
	if s.Total > 0 {
		share := func(part float64) string { return fmt.Sprintf("%.1f %%", 100*part/s.Total) }
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t\n", share(s.Total), share(s.Attention), share(s.Wire), share(s.Experts), share(s.Wait), share(s.Head))
	}
	e, c := r.Experts, r.Cluster
	fmt.Fprintf(w, "\n%d expert calls, %.1f a layer; %d hedges, %d of them won; %d failovers, %d suspicions, %d messages dropped\n", e.Calls, e.PerLayer, e.Hedges, e.HedgesWon, e.Failovers, e.Suspected, e.Dropped)
	fmt.Fprintf(w, "epoch %d, %d placements and %d faults during the trace; the cluster formed in %.1f s\n", c.Epoch, c.Placements, c.Faults, c.Forming)
	if c.Degraded != "" {
		printable.Fprintf(w, "degraded: %s\n", c.Degraded)
	}
}

// writeProcesses writes the memory and the work of every process.
func (r Report) writeProcesses(w io.Writer) {
	fmt.Fprintln(w, "\nrouter\tmemory\tof\tpreemptions\tprefix hits\t")
	for _, p := range r.Routers {
		printable.Fprintf(w, "%s\t%.2f GiB\t%s\t%d\t%.1f %%\t\n", p.Name, float64(p.Memory)/float64(role.Gi), role.Size(p.Capacity), p.Preemptions, 100*p.PrefixHits)
	}
	fmt.Fprintln(w, "\nnode\texperts\tmemory\tpeak\tof\tbusy\tbatches\texperts/batch\trows/expert\trefused\t")
	for i, n := range r.Nodes {
		if i == shownNodes {
			fmt.Fprintf(w, "... and %d more\n", len(r.Nodes)-shownNodes)
			break
		}
		name := n.Name
		if !n.Up {
			name += " (down)"
		}
		gib := func(bytes int64) float64 { return float64(bytes) / float64(role.Gi) }
		printable.Fprintf(w, "%s\t%d\t%.2f GiB\t%.2f GiB\t%s\t%.1f %%\t%d\t%.2f\t%.2f\t%d\t\n",
			name, n.Experts, gib(n.Memory), gib(n.Peak), role.Size(n.Capacity), 100*n.Busy, n.Batches, n.Distinct, n.Rows, n.Refused)
	}
}
