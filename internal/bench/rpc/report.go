package rpc

import (
	"fmt"
	"io"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// Report is what was measured.
type Report struct {
	CPUs      int      `json:"cpus"`
	GoVersion string   `json:"go"`
	Network   string   `json:"network"`
	Spin      float64  `json:"spin_us"`
	Rounds    int      `json:"rounds"`
	Span      float64  `json:"span_seconds"`
	Results   []Result `json:"results"`
}

// Result is one variant on one shape: medians of the rounds.
type Result struct {
	Pin     Pin     `json:"pin"`
	Cores   Cores   `json:"cores"`
	Variant Variant `json:"variant"`
	Shape
	Trips   int     `json:"trips"` // in all rounds
	P50     float64 `json:"p50_us"`
	P99     float64 `json:"p99_us"`
	Objects float64 `json:"objects_per_hop"` // allocated by this process
	Bytes   float64 `json:"bytes_per_hop"`
	NodeCPU float64 `json:"node_cpu_us_per_hop"` // of a node's process; 0 where the system does not tell
	// P50 against that of the same round.
	ToRaw   float64 `json:"p50_to_raw"`
	ToUnary float64 `json:"p50_to_unary"`
	ToHop   float64 `json:"p50_to_hop"` // to the hop in plaintext
}

// summarize fills in the medians of one variant.
func summarize(r Result, seen map[Variant][]sample) Result {
	of := func(v Variant, f func(sample) float64) []float64 {
		var rounds []float64
		for _, s := range seen[v] {
			rounds = append(rounds, f(s))
		}
		return rounds
	}
	p50 := func(s sample) float64 { return microseconds(s.p50) }
	r.P50 = measure.Median(of(r.Variant, p50))
	r.P99 = measure.Median(of(r.Variant, func(s sample) float64 { return microseconds(s.p99) }))
	r.Objects = measure.Median(of(r.Variant, func(s sample) float64 { return s.objects }))
	r.Bytes = measure.Median(of(r.Variant, func(s sample) float64 { return s.size }))
	r.NodeCPU = 1e6 * measure.Median(of(r.Variant, func(s sample) float64 { return s.node }))
	r.ToRaw = measure.MedianRatio(of(r.Variant, p50), of(Raw, p50))
	r.ToUnary = measure.MedianRatio(of(r.Variant, p50), of(Unary, p50))
	r.ToHop = measure.MedianRatio(of(r.Variant, p50), of(Hop, p50))
	for _, s := range seen[r.Variant] {
		r.Trips += s.trips
	}
	return r
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// WriteText writes a table for each arrangement of the processes.
func (r Report) WriteText(out io.Writer) {
	fmt.Fprintf(out, "%s loopback, %d CPUs, %s, spin %g, median of %d rounds of %g s; to each node and back, microseconds\n", r.Network, r.CPUs, r.GoVersion, r.Spin, r.Rounds, r.Span)
	for i, s := range r.Results {
		if i == 0 || s.Pin != r.Results[i-1].Pin || s.Cores != r.Results[i-1].Cores {
			fmt.Fprintf(out, "\npin %s, cores %s\n", s.Pin, s.Cores)
			fmt.Fprintln(out, "payload\tnodes\tin sequence\tvariant\tp50\tp99\tto raw\tto unary\tto hop\tobjects/hop\tB/hop\tnode CPU/hop\t")
		}
		fmt.Fprintf(out, "%d KiB\t%d\t%d\t%s\t%.1f\t%.1f\t%.2f\t%.2f\t%.2f\t%.1f\t%.0f\t%.0f\t\n",
			s.Payload>>10, s.FanOut, s.Sequential, s.Variant, s.P50, s.P99, s.ToRaw, s.ToUnary, s.ToHop, s.Objects, s.Bytes, s.NodeCPU)
	}
}
