package hostile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/serve"
)

// Report is one measurement.
type Report struct {
	Clients  int          `json:"clients"`
	AtOnce   int          `json:"hostile_at_once"`
	Seconds  float64      `json:"seconds"` // of each phase
	Calm     serve.Report `json:"calm"`
	Attacked serve.Report `json:"attacked"`
	Answers  []Answer     `json:"answers"`
	KV       int64        `json:"kv_cache_bytes"`
	Before   int64        `json:"memory_before_bytes"` // of the router
	Peak     int64        `json:"memory_peak_bytes"`
	After    int64        `json:"memory_after_bytes"`
}

// Answer is how often a body had a status.
type Answer struct {
	Body   string          `json:"body"`
	Status string          `json:"status"`
	Count  int             `json:"count"`
	Took   measure.Latency `json:"took"`
}

// answers are the durations by body and status.
type answers map[[2]string][]time.Duration

func (a answers) add(body, status string, took time.Duration) {
	a[[2]string{body, status}] = append(a[[2]string{body, status}], took)
}

func (a answers) sorted() []Answer {
	var out []Answer
	for key, took := range a {
		out = append(out, Answer{key[0], key[1], len(took), measure.LatencyOf(took)})
	}
	slices.SortFunc(out, func(a, b Answer) int {
		return cmp.Or(cmp.Compare(a.Body, b.Body), cmp.Compare(a.Status, b.Status))
	})
	return out
}

const (
	// beside is the memory that a router may have beside its KV cache, bytes.
	beside = 512 << 20
	// slower is by how much the p99 of others may grow.
	slower = 2.0
	// back is how near memory must come to what it was.
	back = 1.1
)

// Missed is what of the promise was not kept; nil when all of it was.
func (r Report) Missed() error {
	var faults []error
	fault := func(is bool, format string, args ...any) {
		if is {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	o := r.Attacked
	fault(o.Failed > 0 || o.Rejected > 0, "%d requests of others failed, %d were refused: %v", o.Failed, o.Rejected, o.Errors)
	fault(o.Total.P99 > slower*r.Calm.Total.P99, "p99 of others %.0f ms, %.0f ms without hostile bodies", o.Total.P99, r.Calm.Total.P99)
	fault(r.Peak > r.KV+beside, "the router had %d MB, want at most %d MB", r.Peak>>20, (r.KV+beside)>>20)
	fault(float64(r.After) > back*float64(r.Before), "the router has %d MB afterwards, %d MB before", r.After>>20, r.Before>>20)
	return errors.Join(faults...)
}

// WriteText writes the latencies of others, the memory, and the answers to hostile
// bodies.
func (r Report) WriteText(out io.Writer) {
	fmt.Fprintf(out, "%d clients in a closed loop for %.0f s, alone and beside %d hostile bodies of %d MiB at once\n", r.Clients, r.Seconds, r.AtOnce, Size>>20)
	fmt.Fprintln(out, "\tanswers\tfailed\ttok/s\tTTFT p50\tp90\tp99\tITL p50\tp90\tp99\ttotal p50\tp90\tp99\t")
	row := func(name string, s serve.Report) {
		fmt.Fprintf(out, "%s\t%d\t%d\t%.1f\t%s\n", name, s.Completed, s.Failed+s.Rejected, s.Throughput, s.First.Cells()+s.Gap.Cells()+s.Total.Cells())
	}
	row("alone", r.Calm)
	row("attacked", r.Attacked)
	fmt.Fprintf(out, "\nrouter's memory, MB: %d before, %d at most, %d afterwards; KV cache %d\n\n", r.Before>>20, r.Peak>>20, r.After>>20, r.KV>>20)
	fmt.Fprintln(out, "hostile body\tstatus\tanswers\tp50\tp90\tp99\t")
	for _, a := range r.Answers {
		fmt.Fprintf(out, "%s\t%s\t%d\t%s\n", a.Body, a.Status, a.Count, a.Took.Cells())
	}
}
