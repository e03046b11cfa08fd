package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/leaktest"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// submit starts a request of a scripted engine that does not end by itself.
func submit(t *testing.T, ctx context.Context, j *Journal, id string) (completion.Stream, *enginetest.Call) {
	t.Helper()
	inner := &enginetest.Engine{Script: func(engine.Request) enginetest.Script { return enginetest.Script{Hold: true} }}
	stream, err := Engine{completion.Local{Engine: inner}, j}.Submit(ctx, engine.Request{ID: id, Prompt: []int32{1, 2, 3}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return stream, inner.Calls()[0]
}

func next(t *testing.T, s completion.Stream) []engine.Event {
	t.Helper()
	events, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// TestAStallHasTheCausesThatWereNotedMeanwhile: causes before and after it, and those
// of another request, are not its own.
func TestAStallHasTheCausesThatWereNotedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &Journal{}
		stream, call := submit(t, t.Context(), j, "r")
		time.Sleep(10 * time.Millisecond)
		j.Note(Cause{Text: "a hedge beside expert-9"})
		j.Note(Cause{Text: "L0/E3 has no replica", Blocks: true})
		time.Sleep(300 * time.Millisecond)
		for range 10 {
			time.Sleep(10 * time.Millisecond)
			call.Push(engine.Event{Token: 7, Cached: 2})
			next(t, stream)
		}
		time.Sleep(time.Second)
		j.Note(Cause{Text: "failover from expert-1"})
		time.Sleep(100 * time.Millisecond)
		j.Note(Cause{Text: "failover from expert-1"})
		j.Note(Cause{Text: "router-3 was lost", Request: "another", Blocks: true})
		call.Push(engine.Event{Token: 7})
		next(t, stream)
		time.Sleep(500 * time.Millisecond)
		call.Push(engine.Event{Token: 7})
		next(t, stream)
		call.End(engine.Event{Token: -1, Finish: engine.Stop})
		next(t, stream)
		s := j.Snapshot(0)
		if len(s.Running) != 0 || len(s.Ended) != 1 {
			t.Fatalf("snapshot %+v", s)
		}
		r := s.Ended[0]
		if r.ID != "r" || r.Phase != Done || r.Why != "stop" || r.Tokens != 12 || r.Prompt != 3 || r.Cached != 2 || r.First.Sub(r.Began) != 320*time.Millisecond {
			t.Errorf("request %+v", r)
		}
		var got []string
		for _, stall := range r.Stalls {
			got = append(got, fmt.Sprint(stall.Took.Round(10*time.Millisecond), " ", stall.Cause))
		}
		want := "310ms L0/E3 has no replica|1.1s failover from expert-1|500ms " + UnknownCause
		if strings.Join(got, "|") != want || r.Felt != 3 {
			t.Errorf("stalls %q, want %q", strings.Join(got, "|"), want)
		}
		if s.Tokens != 12 || s.First.Quantile(1) < 300*time.Millisecond || s.Next.Quantile(0.5) > 13*time.Millisecond {
			t.Errorf("totals: %d tokens, first %v, next %v", s.Tokens, s.First.Quantile(1), s.Next.Quantile(0.5))
		}
	})
}

// TestALongStepOfPromptsIsTheCauseOfAStall, and makes none of a pause that is not long.
func TestALongStepOfPromptsIsTheCauseOfAStall(t *testing.T) {
	for name, c := range map[string]struct {
		prompts, drawn int
		took           time.Duration
		want           string
	}{
		"a long prompt":             {500, 4, 400 * time.Millisecond, "a step computed 500 tokens of prompts, for 400ms"},
		"more answers than prompts": {4, 500, 400 * time.Millisecond, UnknownCause},
		"no prompt":                 {0, 4, 400 * time.Millisecond, UnknownCause},
		"a pause of another reason": {500, 4, 20 * time.Millisecond, UnknownCause},
		"no long pause":             {500, 4, 200 * time.Millisecond, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			j := &Journal{}
			stream, call := submit(t, t.Context(), j, "r")
			for range 10 {
				time.Sleep(10 * time.Millisecond)
				call.Push(engine.Event{Token: 7})
				next(t, stream)
			}
			time.Sleep(c.took)
			j.Step(c.prompts, c.drawn, c.took)
			if c.took < longPause/2 {
				time.Sleep(longPause)
			}
			call.Push(engine.Event{Token: 7})
			next(t, stream)
			got := ""
			for _, s := range j.Snapshot(0).Running[0].Stalls {
				got += s.Cause
			}
			if got != c.want {
				t.Errorf("%s: stalled for %q, want %q", name, got, c.want)
			}
			call.End(engine.Event{Token: -1, Finish: engine.Stop})
			next(t, stream)
		})
	}
}

// TestPhasesAreThoseOfTheEngine: a request that lost its place waits, although its reader
// gets tokens that were drawn before, and its stall has that cause.
func TestPhasesAreThoseOfTheEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &Journal{}
		stream, call := submit(t, t.Context(), j, "r")
		shows := func(want Phase, computed int) {
			t.Helper()
			if r := j.Snapshot(0).Running[0]; r.Phase != want || r.Computed != computed {
				t.Errorf("%s with %d tokens computed, want %s with %d", r.Phase, r.Computed, want, computed)
			}
		}
		shows(Waiting, 0)
		call.Request.Moved(engine.Prefilling, 2)
		shows(Prefill, 2)
		call.Push(engine.Event{Token: 7})
		next(t, stream)
		shows(Prefill, 2)
		call.Request.Moved(engine.Drawing, 3)
		shows(Decoding, 3)
		call.Push(engine.Event{Token: 7})
		call.Request.Moved(engine.Queued, 0)
		next(t, stream)
		shows(Waiting, 3)
		time.Sleep(400 * time.Millisecond)
		call.Request.Moved(engine.Prefilling, 0)
		call.Request.Moved(engine.Drawing, 3)
		call.End(engine.Event{Token: 7, Finish: engine.Length})
		next(t, stream)
		r := j.Snapshot(0).Ended[0]
		if len(r.Stalls) != 1 || r.Stalls[0].Cause != preempted || r.Stalls[0].Took != 400*time.Millisecond {
			t.Errorf("stalls %+v", r.Stalls)
		}
		call.Request.Moved(engine.Queued, 0) // after its end
	})
}

// TestASampledRequestNamesItsTrace.
func TestASampledRequestNamesItsTrace(t *testing.T) {
	j := &Journal{}
	for id, flags := range map[string]trace.TraceFlags{"sampled": trace.FlagsSampled, "not sampled": 0} {
		span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{0xab, 15: 1}, SpanID: trace.SpanID{1}, TraceFlags: flags})
		ctx, cancel := context.WithCancel(trace.ContextWithSpanContext(t.Context(), span))
		_, call := submit(t, ctx, j, id)
		cancel()
		<-call.Done
	}
	for len(j.Snapshot(0).Running) > 0 {
		time.Sleep(time.Millisecond)
	}
	for _, r := range j.Snapshot(0).Ended {
		if want := map[string]string{"sampled": "ab000000000000000000000000000001"}[r.ID]; r.Trace != want {
			t.Errorf("the trace of the request %s is %q", r.ID, r.Trace)
		}
	}
}

// TestAnEvenPaceIsNoStall: a model that draws a token each second stalls no reader.
func TestAnEvenPaceIsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &Journal{}
		stream, call := submit(t, t.Context(), j, "r")
		for range 20 {
			time.Sleep(time.Second)
			call.Push(engine.Event{Token: 7})
			next(t, stream)
		}
		if r := j.Snapshot(0).Running[0]; r.Felt != 0 || r.Phase != Decoding || r.Tokens != 20 {
			t.Errorf("request %+v", r)
		}
		call.End(engine.Event{Token: -1, Finish: engine.Stop})
		next(t, stream)
	})
}

// TestEveryEndIsKept: of an answer that an operator cancels, whose client leaves, that
// fails, and that is refused.
func TestEveryEndIsKept(t *testing.T) {
	j := &Journal{}
	stream, _ := submit(t, t.Context(), j, "canceled")
	if !j.Cancel(1) || j.Cancel(99) {
		t.Error("only the request that runs can be canceled")
	}
	if events := next(t, stream); !errors.Is(events[0].Err, completion.ErrCanceled) {
		t.Errorf("the reader gets %+v", events)
	}
	ctx, leave := context.WithCancel(t.Context())
	_, gone := submit(t, ctx, j, "left")
	leave()
	<-gone.Done
	stream, call := submit(t, t.Context(), j, "failed")
	call.End(engine.Event{Err: errors.New("the disk is full")})
	next(t, stream)
	refusing := &enginetest.Engine{Script: func(engine.Request) enginetest.Script { return enginetest.Script{Refuse: errors.New("full")} }}
	if _, err := (Engine{completion.Local{Engine: refusing}, j}).Submit(t.Context(), engine.Request{ID: "refused"}, nil); err == nil {
		t.Error("the engine refuses nothing")
	}
	for len(j.Snapshot(0).Running) > 0 { // the end of a context is noticed by a goroutine
		time.Sleep(time.Millisecond)
	}
	got := map[string]Phase{}
	for _, r := range j.Snapshot(0).Ended {
		got[r.ID] = r.Phase
		if r.Why == "" || r.ID == "left" && r.Why != left {
			t.Errorf("%s ended for the reason %q", r.ID, r.Why)
		}
	}
	for id, want := range map[string]Phase{"canceled": Canceled, "left": Canceled, "failed": Failed, "refused": Failed} {
		if got[id] != want || !want.Ended() {
			t.Errorf("%s is %q, want %q", id, got[id], want)
		}
	}
}

// TestMemoryIsBounded: of requests, of their stalls and of causes.
func TestMemoryIsBounded(t *testing.T) {
	j := &Journal{}
	for i := range 2*MaxEnded + 5 {
		n := j.Begin(Request{ID: fmt.Sprint(i)}, func(error) {})
		j.Note(Cause{Text: fmt.Sprint("cause ", i)})
		j.End(n, Done, "stop")
	}
	s := j.Snapshot(0)
	if len(s.Ended) != MaxEnded || s.Ended[0].ID != fmt.Sprint(MaxEnded+5) || s.Ended[MaxEnded-1].ID != fmt.Sprint(2*MaxEnded+4) {
		t.Errorf("%d requests, from %s to %s", len(s.Ended), s.Ended[0].ID, s.Ended[len(s.Ended)-1].ID)
	}
	if len(j.causes) != maxCauses {
		t.Errorf("%d causes", len(j.causes))
	}
	if later := j.Snapshot(s.Ends - 3); len(later.Ended) != 3 {
		t.Errorf("%d requests ended after the last but three", len(later.Ended))
	}
	if again := j.Snapshot(s.Ends + 1); len(again.Ended) != MaxEnded {
		t.Errorf("a process that started again shows %d requests", len(again.Ended))
	}
	r := &Request{}
	for i := range 3 * maxStalls {
		r.feel(Stall{Took: time.Duration(i)})
	}
	if len(r.Stalls) != maxStalls || r.Felt != 3*maxStalls || r.Stalls[maxStalls-1].Took != 3*maxStalls-1 {
		t.Errorf("stalls %+v of %d", r.Stalls, r.Felt)
	}
}

func TestQuantilesOfLatencies(t *testing.T) {
	var l Latencies
	if l.Quantile(0.5) != 0 {
		t.Error("no durations have a quantile")
	}
	for i := 1; i <= 100; i++ {
		l.Observe(time.Duration(i)*time.Millisecond, 1)
	}
	for q, want := range map[float64]time.Duration{0.01: time.Millisecond, 0.5: 50 * time.Millisecond, 0.99: 99 * time.Millisecond, 1: 100 * time.Millisecond} {
		if got := l.Quantile(q); got < want || got > want*5/4 {
			t.Errorf("quantile %g is %v, want %v to a quarter more", q, got, want)
		}
	}
	var before Latencies
	before.Observe(time.Millisecond, 1)
	if n := l.Since(before).Quantile(0.01); n < 2*time.Millisecond {
		t.Errorf("after the shortest is taken away the shortest is %v", n)
	}
	before.Observe(time.Hour, 1)
	if l.Since(before) != l || FromCounts(l.Counts()) != l || l.Plus(l).Since(l) != l {
		t.Error("a process that started again, or a copy, has another count")
	}
	l.Observe(time.Hour, 1)
	if l.Quantile(1) != Bound(buckets-1) || FromCounts(append(l.Counts(), 3))[buckets-1] != 4 {
		t.Error("an hour is not in the last bucket")
	}
}
