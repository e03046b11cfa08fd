package serve

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Objective is what a good answer keeps; 0 is no demand.
type Objective struct {
	First time.Duration `json:"ttft_ns"` // time to first token
	Gap   time.Duration `json:"itl_ns"`  // mean inter-token latency of the answer
}

// Quantiles of a latency, in milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50_ms"`
	P90 float64 `json:"p90_ms"`
	P99 float64 `json:"p99_ms"`
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
	Throughput float64   `json:"output_tokens_per_second"`
	Good       int       `json:"good"`
	Goodput    float64   `json:"good_requests_per_second"`
	First      Quantiles `json:"ttft"`
	Gap        Quantiles `json:"itl"`
	Total      Quantiles `json:"e2e"`
	Refusal    Quantiles `json:"refusal"` // from a request to its 429
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
	r.First, r.Gap, r.Total = quantiles(first), quantiles(gaps), quantiles(total)
	r.Refusal = quantiles(refusal)
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

// quantiles by the nearest-rank rule.
func quantiles(all []time.Duration) Quantiles {
	if len(all) == 0 {
		return Quantiles{}
	}
	slices.Sort(all)
	at := func(percent int) float64 {
		rank := (len(all)*percent + 99) / 100
		return float64(all[max(0, rank-1)]) / float64(time.Millisecond)
	}
	return Quantiles{at(50), at(90), at(99)}
}

// WriteTable prints reports for people.
func WriteTable(out io.Writer, reports []Report) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "req/s\tsent\tok\t429\tfailed\ttok/s\tgood/s\tTTFT p50\tp90\tp99\tITL p50\tp90\tp99\te2e p50\tp90\tp99\t")
	for _, r := range reports {
		fmt.Fprintf(t, "%.4g\t%d\t%d\t%d\t%d\t%.1f\t%.2f\t", r.Rate, r.Requests, r.Completed, r.Rejected, r.Failed, r.Throughput, r.Goodput)
		for _, q := range []Quantiles{r.First, r.Gap, r.Total} {
			fmt.Fprintf(t, "%s\t%s\t%s\t", milliseconds(q.P50), milliseconds(q.P90), milliseconds(q.P99))
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range reports {
		for text, n := range r.Errors {
			if _, err := fmt.Fprintf(out, "at %.4g req/s, %d times: %s\n", r.Rate, n, strings.TrimSpace(text)); err != nil {
				return err
			}
		}
	}
	return nil
}

func milliseconds(v float64) string {
	switch {
	case v >= 10_000:
		return fmt.Sprintf("%.1f s", v/1000)
	case v >= 100:
		return fmt.Sprintf("%.0f ms", v)
	}
	return fmt.Sprintf("%.1f ms", v)
}
