package overload

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/memory"
	"github.com/hachi-serve/hachi/internal/bench/serve"
)

// Report is one measurement.
type Report struct {
	Factor    float64         `json:"factor"`
	Seconds   float64         `json:"seconds"`
	Objective serve.Objective `json:"objective"`
	Capacity  serve.Report    `json:"capacity"` // closed loop
	Overload  serve.Report    `json:"overload"` // open loop
	Memory    memory.Growth   `json:"memory"`
	Left      Left            `json:"left"`
	Died      int             `json:"died"` // processes that ended
}

const (
	// keptGoodput is the share of the capacity that must be left under overload.
	keptGoodput = 0.9
	// quickly is how soon a refusal must come, p99.
	quickly = time.Second
	// flat is how much memory may grow from the second quarter to the last.
	flat = 1.1
)

// Broken is what no overload may do, however short; nil when all is well.
func (r Report) Broken() error {
	var faults []error
	o := r.Overload
	fault := func(is bool, format string, args ...any) {
		if is {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(o.Failed > 0, "%d requests failed, not with 429: %v", o.Failed, o.Errors)
	fault(o.Completed+o.Rejected+o.Failed != o.Requests, "%d requests, %d answered, %d refused", o.Requests, o.Completed, o.Rejected)
	fault(o.Rejected == 0 || o.Completed == 0, "%d answered, %d refused: it was no overload", o.Completed, o.Rejected)
	fault(o.Silent > 0, "%d refusals without Retry-After", o.Silent)
	fault(r.Left != Left{}, "idle, the router holds %+v", r.Left)
	fault(r.Died > 0, "%d processes ended", r.Died)
	return errors.Join(faults...)
}

// Missed is what of the promise was not kept, by the clock and by memory.
func (r Report) Missed() error {
	var faults []error
	if r.Overload.Goodput < keptGoodput*r.Capacity.Goodput || r.Capacity.Goodput == 0 {
		faults = append(faults, fmt.Errorf("%.2f good answers/s of %.2f, want at least %.0f%%", r.Overload.Goodput, r.Capacity.Goodput, 100*keptGoodput))
	}
	if p99 := r.Overload.Refusal.P99; p99 > float64(quickly/time.Millisecond) {
		faults = append(faults, fmt.Errorf("refusals after %.0f ms (p99), want at most %v", p99, quickly))
	}
	if r.Memory.Exceeds(flat) {
		faults = append(faults, fmt.Errorf("memory grew: %s", r.Memory))
	}
	return errors.Join(r.Broken(), errors.Join(faults...))
}

// WriteText writes the capacity and the overload as rows, then refusals and
// memory.
func (r Report) WriteText(out io.Writer) {
	o := r.Overload
	fmt.Fprintf(out, "%.2f requests/s for %.0f s, %.1f times the capacity: %d sent, %d answered, %d refused, %d failed\n",
		o.Rate, r.Seconds, r.Factor, o.Requests, o.Completed, o.Rejected, o.Failed)
	fmt.Fprintln(out, "\tgood/s\ttok/s\tTTFT p50\tp90\tp99\tITL p50\tp90\tp99\t")
	row := func(name string, s serve.Report) {
		fmt.Fprintf(out, "%s\t%.2f\t%.1f\t%s\n", name, s.Goodput, s.Throughput, s.First.Cells()+s.Gap.Cells())
	}
	row("closed loop", r.Capacity)
	row("overload", o)
	fmt.Fprintf(out, "goodput %.0f%% of the capacity\n", 100*o.Goodput/max(r.Capacity.Goodput, 1e-9))
	fmt.Fprintf(out, "refusals after %.1f ms (p50), %.1f ms (p99); %d without Retry-After\n", o.Refusal.P50, o.Refusal.P99, o.Silent)
	fmt.Fprintf(out, "memory %s; %d processes ended\n", r.Memory, r.Died)
}
