package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/router/scheduler"
)

// stages submits requests and returns the stages of each, in order: q, p and the
// positions that were computed, d.
func stages(t *testing.T, e *Engine, n int) []string {
	t.Helper()
	seen, streams := make([]string, n), make([]*Stream, n)
	for i := range streams {
		r := request(i)
		r.Moved = func(to Stage, computed int) {
			switch to {
			case Queued:
				seen[i] += "q "
			case Prefilling:
				seen[i] += fmt.Sprintf("p%d ", computed)
			case Drawing:
				seen[i] += "d "
			}
		}
		var err error
		if streams[i], err = e.Submit(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range streams {
		if _, err := read(t, s); err != nil {
			t.Fatal(err)
		}
	}
	return seen
}

// TestStagesAreReported: each chunk of a prompt, then once that the request draws.
func TestStagesAreReported(t *testing.T) {
	e := start(t, 100, scheduler.Limits{StepTokens: 7, MaxSequences: 16, MaxWaiting: 64}, nil)
	if got := stages(t, e, 2); got[0] != "p0 d " {
		t.Errorf("a prompt of 3 tokens: %q", got[0])
	}
	e = start(t, 100, scheduler.Limits{StepTokens: 7, MaxSequences: 1, MaxWaiting: 64}, nil)
	r := request(2) // 21 tokens
	var got []int
	r.Moved = func(to Stage, computed int) {
		if to == Prefilling {
			got = append(got, computed)
		}
	}
	s, err := e.Submit(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, s); err != nil || fmt.Sprint(got) != "[0 7 14]" {
		t.Errorf("%v, chunks at %v", err, got)
	}
}

// TestAPreemptedRequestWaitsAgain, and its tokens are computed again.
func TestAPreemptedRequestWaitsAgain(t *testing.T) {
	e := start(t, 14, wide, nil)
	again := 0
	for i, got := range stages(t, e, 8) {
		again += strings.Count(got, "q ")
		if strings.Count(got, "q ") != strings.Count(got, "q p") {
			t.Errorf("request %d: %q after it lost its place", i, got)
		}
	}
	if again == 0 || uint64(again) > e.Stats().Preemptions {
		t.Errorf("%d requests waited again, %d preemptions", again, e.Stats().Preemptions)
	}
}
