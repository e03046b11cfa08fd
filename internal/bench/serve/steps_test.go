package serve

import (
	"errors"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestDecodeRateCountsWhileAllDecode(t *testing.T) {
	start := time.Now()
	stream := func(first, gap time.Duration, parts, generated int) Sample {
		return Sample{Due: start, First: first, Gaps: slices.Repeat([]time.Duration{gap}, parts-1), Generated: generated}
	}
	const ms = time.Millisecond
	for _, tt := range []struct {
		name    string
		samples []Sample
		want    float64
	}{
		{"one stream, 10 gaps of 5 ms", []Sample{stream(20*ms, 5*ms, 11, 11)}, 200},
		{"two, together from 30 to 50 ms", []Sample{stream(10*ms, 10*ms, 5, 5), stream(30*ms, 10*ms, 9, 9)}, 200},
		{"two tokens a part", []Sample{stream(20*ms, 5*ms, 11, 22)}, 400},
	} {
		got, err := decodeRate(tt.samples)
		if err != nil || math.Abs(got-tt.want) > 1e-6 {
			t.Errorf("%s: %v tokens/s, %v; want %v", tt.name, got, err, tt.want)
		}
	}
	if _, err := decodeRate([]Sample{stream(10*ms, 10*ms, 3, 3), stream(30*ms, 10*ms, 3, 3)}); !errors.Is(err, errNoDecode) {
		t.Errorf("streams one after the other: %v", err)
	}
}

func TestStepsOfAServer(t *testing.T) {
	var seen atomic.Int64
	s := server(t, &seen)
	c := Client{URL: s.URL, HTTP: s.Client()}
	// The third request of this server is refused.
	if _, err := RunSteps(t.Context(), c, Steps{Prefill: []int{7}, Context: 1, Tokens: 3, Rounds: 3}); err == nil || !strings.Contains(err.Error(), "prefill of 7") {
		t.Errorf("a refusal gave %v", err)
	}
	seen.Store(0)
	r, err := RunSteps(t.Context(), c, Steps{Prefill: []int{7}, Context: 1, Tokens: 3, Rounds: 1})
	if err != nil || len(r.Steps) != 1 || r.Steps[0].TokensPerS <= 0 || seen.Load() != 2 {
		t.Errorf("%+v after %d requests, %v", r, seen.Load(), err)
	}
	if err := (Steps{Decode: []int{0}}).Validate(); err == nil {
		t.Error("no stream is accepted")
	}
}
