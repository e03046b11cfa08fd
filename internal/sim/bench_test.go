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

// BenchmarkThousandNodes is 1,000 nodes with 256 experts in each of 32 layers under the
// load of the Azure conversation trace.
func BenchmarkThousandNodes(b *testing.B) {
	s, err := scenario.Read("testdata/thousand.yaml")
	if err != nil {
		b.Fatal(err)
	}
	requests := trace.Synthetic{Kind: trace.AzureConversation, Seed: 1, Duration: *length}.Make()
	events, simulated := uint64(0), 0.0
	for b.Loop() {
		r, err := Run(s, requests, Options{Limit: time.Hour})
		if err != nil {
			b.Fatal(err)
		}
		if r.Requests.Completed != len(requests) {
			b.Fatalf("%+v of %d requests", r.Requests, len(requests))
		}
		events, simulated = events+r.Events, simulated+r.Seconds
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(simulated/b.Elapsed().Seconds(), "simulated-s/s")
	b.ReportMetric(float64(m.Sys)/(1<<30), "GiB")
}
