package serve

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func workload(rate float64, arrival Arrival, d time.Duration) Workload {
	w := Workload{Seed: 7, Rate: rate, Arrival: arrival, Duration: d}
	w.Prompt, w.Answer = Conversations(1000, 500)
	return w
}

func TestSameSeedSameWorkload(t *testing.T) {
	a, b := workload(50, Poisson, 20*time.Second).Requests(), workload(50, Poisson, 20*time.Second).Requests()
	if !reflect.DeepEqual(a, b) {
		t.Error("the same seed gave another workload")
	}
	other := workload(50, Poisson, 20*time.Second)
	other.Seed = 8
	if reflect.DeepEqual(a, other.Requests()) {
		t.Error("another seed gave the same workload")
	}
}

func TestArrivals(t *testing.T) {
	fixed := workload(10, Fixed, 2*time.Second).Requests()
	if len(fixed) != 19 {
		t.Errorf("%d requests at 10 a second in 2 s, want one every 100 ms before the end: 19", len(fixed))
	}
	for i, r := range fixed {
		if want := time.Duration(i+1) * 100 * time.Millisecond; r.At != want {
			t.Errorf("request %d at %v, want %v", i, r.At, want)
		}
	}
	// Gaps of a Poisson process: mean 1/rate and the same deviation.
	all := workload(100, Poisson, 100*time.Second).Requests()
	var sum, squares float64
	last := time.Duration(0)
	for _, r := range all {
		gap := (r.At - last).Seconds()
		sum, squares, last = sum+gap, squares+gap*gap, r.At
	}
	mean := sum / float64(len(all))
	deviation := math.Sqrt(squares/float64(len(all)) - mean*mean)
	if math.Abs(mean-0.01) > 5e-4 || math.Abs(deviation-0.01) > 1e-3 {
		t.Errorf("gaps of mean %v and deviation %v, want 0.01 and 0.01", mean, deviation)
	}
	for _, r := range all {
		if r.Prompt < 4 || r.Prompt > 1000 || r.Answer < 4 || r.Answer > 500 {
			t.Fatalf("lengths %+v are outside their bounds", r)
		}
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	err := Workload{Arrival: "bursts"}.Validate()
	for _, want := range []string{"rate", "arrival", "duration", "prompt lengths", "answer lengths"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

// server answers with as many tokens as are asked for; every third request is
// refused, every fourth breaks off.
func server(t *testing.T, seen *atomic.Int64) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tokenize", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"tokens":[5,6,7]}`)
	})
	mux.HandleFunc("POST /v1/completions", func(w http.ResponseWriter, r *http.Request) {
		var ask struct {
			Prompt    []int32 `json:"prompt"`
			MaxTokens int     `json:"max_tokens"`
		}
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || len(ask.Prompt) == 0 {
			t.Errorf("request: %v", err)
		}
		n := seen.Add(1)
		if n%3 == 0 {
			http.Error(w, `{"error":{"message":"full"}}`, http.StatusTooManyRequests)
			return
		}
		for range ask.MaxTokens {
			io.WriteString(w, "data: {\"choices\":[{\"text\":\"a\"}]}\n\n")
		}
		if n%4 == 0 {
			return
		}
		fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", ask.MaxTokens)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestRunCountsEveryEnd(t *testing.T) {
	var seen atomic.Int64
	s := server(t, &seen)
	w := workload(400, Fixed, 300*time.Millisecond)
	samples, err := Run(t.Context(), Client{URL: s.URL, HTTP: s.Client()}, w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := Summarize(w, samples, Objective{First: time.Hour})
	if r.Requests != 119 || r.Completed+r.Rejected+r.Failed != r.Requests {
		t.Errorf("%+v does not add up to 119", r)
	}
	if r.Rejected != 39 || r.Failed != 20 || r.Good != r.Completed {
		t.Errorf("%d rejected, %d failed, %d good of %d; want 39, 20 and all", r.Rejected, r.Failed, r.Good, r.Completed)
	}
	wantTokens := 0
	for i, q := range w.Requests() {
		if samples[i].Err == nil {
			wantTokens += q.Answer
			if samples[i].Generated != q.Answer || len(samples[i].Gaps) != q.Answer-1 {
				t.Errorf("request %d: %d tokens, %d gaps, want %d", i, samples[i].Generated, len(samples[i].Gaps), q.Answer)
			}
		}
	}
	if got := r.Throughput * r.Seconds; math.Abs(got-float64(wantTokens)) > 0.5 {
		t.Errorf("throughput counts %v tokens, want %d", got, wantTokens)
	}
}

func TestClosedLoopKeepsItsClientsBusy(t *testing.T) {
	var seen atomic.Int64
	s := server(t, &seen)
	w := workload(100, Fixed, 100*time.Millisecond)
	var samples []Sample
	for len(samples) < 12 { // a slow machine needs longer for every kind of end
		if w.Duration *= 2; w.Duration > time.Minute {
			t.Fatalf("%d requests in %v", len(samples), w.Duration/2)
		}
		var err error
		seen.Store(0)
		if samples, err = RunClosed(t.Context(), Client{URL: s.URL, HTTP: s.Client()}, w, 3); err != nil {
			t.Fatal(err)
		}
	}
	r := Summarize(w, samples, Objective{})
	if int64(r.Requests) != seen.Load() || r.Completed+r.Rejected+r.Failed != r.Requests || r.Completed < 3 {
		t.Errorf("%+v of %d requests that were sent", r, seen.Load())
	}
	if r.Rejected == 0 || r.Silent != r.Rejected || r.Refusal.P99 <= 0 {
		t.Errorf("%d refusals, %d without Retry-After, after %v ms: the server gives none", r.Rejected, r.Silent, r.Refusal.P99)
	}
}

func TestBetweenTakesWhatEndsInIt(t *testing.T) {
	start := time.Now()
	at := func(due, total int) Sample {
		return Sample{Due: start.Add(time.Duration(due) * time.Second), Total: time.Duration(total) * time.Second}
	}
	got := Between([]Sample{at(-5, 4), at(-5, 5), at(0, 9), at(9, 0), at(9, 1), at(12, 1)}, start, 10*time.Second)
	if want := []Sample{at(-5, 5), at(0, 9), at(9, 0)}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestAFullClientDoesNotWait(t *testing.T) {
	stuck := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tokenize", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"tokens":[5]}`) })
	mux.HandleFunc("POST /v1/completions", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stuck:
		case <-r.Context().Done():
		}
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	defer close(stuck)
	w := workload(100, Fixed, 100*time.Millisecond)
	samples, err := Run(t.Context(), Client{URL: s.URL, HTTP: s.Client()}, w, Options{InFlight: 2, Drain: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	shed := 0
	for _, s := range samples {
		if errors.Is(s.Err, errShed) {
			shed++
		} else if s.Err == nil {
			t.Error("a request that never ended has no error")
		}
	}
	if shed != len(samples)-2 {
		t.Errorf("%d of %d were not sent, want all but 2", shed, len(samples))
	}
}

func TestObjective(t *testing.T) {
	s := Sample{First: 10 * time.Millisecond, Gaps: []time.Duration{time.Millisecond, 3 * time.Millisecond}}
	for _, tt := range []struct {
		o    Objective
		want bool
	}{
		{Objective{}, true},
		{Objective{First: 10 * time.Millisecond, Gap: 2 * time.Millisecond}, true},
		{Objective{First: 9 * time.Millisecond}, false},
		{Objective{Gap: time.Millisecond}, false},
	} {
		if got := tt.o.keeps(s); got != tt.want {
			t.Errorf("%+v: %v", tt.o, got)
		}
	}
}

func TestTableAndPlot(t *testing.T) {
	reports := []Report{{Rate: 1, Completed: 2, First: measure.Latency{P50: 1, P90: 2, P99: 300}, Errors: map[string]int{"boom": 3}}, {Rate: 4, Goodput: 2.5}}
	var table, plot strings.Builder
	if (Reports{Runs: reports}).WriteText(&table); !strings.Contains(table.String(), "300 ms") || !strings.Contains(table.String(), "3 times: boom") {
		t.Errorf("table:\n%s", table.String())
	}
	if err := WritePlot(&plot, reports); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(plot.String())); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the plot is not well-formed: %v\n%s", err, plot.String())
		}
	}
	if strings.Contains(plot.String(), "NaN") {
		t.Error("the plot has a NaN")
	}
}
