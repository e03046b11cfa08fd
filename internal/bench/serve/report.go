package serve

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// Objective is what a good answer keeps; 0 is no demand.
type Objective struct {
	First time.Duration `json:"ttft_ns"` // time to first token
	Gap   time.Duration `json:"itl_ns"`  // mean inter-token latency of the answer
}

// Report sums up one run.
type Report struct {
	Rate      float64        `json:"rate"` // requests a second that were sent
	Requests  int            `json:"requests"`
	Completed int            `json:"completed"`
	Rejected  int            `json:"rejected"` // 429
	Silent    int            `json:"rejected_without_retry_after"`
	Failed    int            `json:"failed"` // any other end
	Errors    map[string]int `json:"errors,omitempty"`
	Seconds   float64        `json:"seconds"` // from the first due to the last end
	// Throughput counts tokens of completed answers per second.
	Throughput float64         `json:"output_tokens_per_second"`
	Good       int             `json:"good"`
	Goodput    float64         `json:"good_requests_per_second"`
	First      measure.Latency `json:"ttft"`
	Gap        measure.Latency `json:"itl"`
	Total      measure.Latency `json:"e2e"`
	Refusal    measure.Latency `json:"refusal"` // from a request to its 429
}

// maxErrors bounds how many different errors a report lists.
const maxErrors = 8

// Summarize makes the report of a run.
func Summarize(w Workload, samples []Sample, o Objective) Report {
	r := Report{Rate: w.Rate, Requests: len(samples), Errors: map[string]int{}}
	var first, gaps, total, refusal []time.Duration
	var from, to time.Time
	tokens := 0
	for _, s := range samples {
		if from.IsZero() || s.Due.Before(from) {
			from = s.Due
		}
		if end := s.Due.Add(s.Total); end.After(to) {
			to = end
		}
		switch {
		case s.Status == 429:
			r.Rejected++
			refusal = append(refusal, s.Total)
			if s.Retry == 0 {
				r.Silent++
			}
			continue
		case s.Err != nil:
			r.Failed++
			if text := s.Err.Error(); r.Errors[text] > 0 || len(r.Errors) < maxErrors {
				r.Errors[text]++
			}
			continue
		}
		r.Completed++
		tokens += s.Generated
		first, total, gaps = append(first, s.First), append(total, s.Total), append(gaps, s.Gaps...)
		if o.keeps(s) {
			r.Good++
		}
	}
	r.First, r.Gap, r.Total = measure.LatencyOf(first), measure.LatencyOf(gaps), measure.LatencyOf(total)
	r.Refusal = measure.LatencyOf(refusal)
	if r.Seconds = to.Sub(from).Seconds(); r.Seconds > 0 {
		r.Throughput, r.Goodput = float64(tokens)/r.Seconds, float64(r.Good)/r.Seconds
	}
	return r
}

// keeps reports whether an answer keeps the objective.
func (o Objective) keeps(s Sample) bool {
	if o.First > 0 && s.First > o.First {
		return false
	}
	var sum time.Duration
	for _, g := range s.Gaps {
		sum += g
	}
	return o.Gap == 0 || len(s.Gaps) == 0 || sum/time.Duration(len(s.Gaps)) <= o.Gap
}

// Reports are of several rates, one after another.
type Reports struct {
	Objective Objective `json:"objective"`
	Runs      []Report  `json:"reports"`
}

// WriteText writes a row for each rate, and every error.
func (r Reports) WriteText(out io.Writer) {
	fmt.Fprintln(out, "req/s\tsent\tok\t429\tfailed\ttok/s\tgood/s\tTTFT p50\tp90\tp99\tITL p50\tp90\tp99\te2e p50\tp90\tp99\t")
	for _, s := range r.Runs {
		fmt.Fprintf(out, "%.4g\t%d\t%d\t%d\t%d\t%.1f\t%.2f\t", s.Rate, s.Requests, s.Completed, s.Rejected, s.Failed, s.Throughput, s.Goodput)
		fmt.Fprintln(out, s.First.Cells()+s.Gap.Cells()+s.Total.Cells())
	}
	for _, s := range r.Runs {
		for _, text := range slices.Sorted(maps.Keys(s.Errors)) {
			fmt.Fprintf(out, "at %.4g req/s, %d times: %s\n", s.Rate, s.Errors[text], strings.TrimSpace(text))
		}
	}
}
