package sim

import (
	"flag"
	"runtime"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/internal/sim/trace"
)

var length = flag.Duration("length", 2*time.Second, "length of the load of BenchmarkThousandNodes; 10m is the whole")

var workers = flag.Int("workers", runtime.NumCPU(), "cores that BenchmarkThousandNodes uses")

var routers = flag.Int("routers", keepingUp, "routers of BenchmarkThousandNodes")

// keepingUp is how many routers of the preset keep up with the trace: with its 8, prompts
// come faster than they are read, and with 32 a prompt often shares its steps with streams,
// which makes more and smaller steps of it. More than 48 change nothing.
const keepingUp = 48

// BenchmarkThousandNodes is 1,000 nodes with 256 experts in each of 32 layers under the
// load of the Azure conversation trace, at its rate.
func BenchmarkThousandNodes(b *testing.B) {
	p, err := scenario.FindPreset("cpu-1000")
	if err != nil {
		b.Fatal(err)
	}
	s, err := p.Read(scenario.Change{Routers: *routers})
	if err != nil {
		b.Fatal(err)
	}
	requests := trace.Synthetic{Kind: trace.AzureConversation, Seed: 1, Duration: *length}.Make()
	events, calls, simulated := uint64(0), uint64(0), 0.0
	for b.Loop() {
		r, err := Run(s, requests, Options{Limit: time.Hour, Workers: *workers})
		if err != nil {
			b.Fatal(err)
		}
		if r.Requests.Completed != len(requests) {
			b.Fatalf("%+v of %d requests", r.Requests, len(requests))
		}
		for _, n := range r.Nodes {
			if *length >= time.Minute && n.Batches == 0 {
				b.Errorf("%s has computed nothing", n.Name)
			}
		}
		events, calls, simulated = events+r.Events, calls+r.Experts.Calls, simulated+r.Seconds
		b.Logf("%d requests, %d steps of %.1f rows, TTFT p50 %.0f ms, ITL p50 %.1f ms", len(requests), r.Steps.Count, r.Steps.Rows, r.First.P50, r.Gap.P50)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	seconds := b.Elapsed().Seconds()
	b.ReportMetric(float64(events), "events")
	b.ReportMetric(float64(events)/seconds, "events/s")
	b.ReportMetric(float64(calls)/seconds, "calls/s")
	b.ReportMetric(simulated/seconds, "simulated-s/s")
	b.ReportMetric(float64(m.Sys)/(1<<30), "GiB")
}
