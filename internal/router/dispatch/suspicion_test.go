package dispatch

import (
	"testing"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// watching is a dispatcher of a clock that the test turns.
type watching struct {
	*Dispatcher
	now time.Time
}

func newWatching() *watching {
	w := &watching{now: time.Unix(0, 0)}
	w.Dispatcher = New(Config{Transport: node{}, Fingerprint: "f", Hidden: hidden, Topology: moe.Uniform(1, 2), Now: func() time.Time { return w.now }})
	return w
}

// judges compares what the dispatcher says of node a.
func (w *watching) judges(t *testing.T, when string, last, suspected bool) {
	t.Helper()
	if got := w.nodes.record("a").suspected.last(w.now); got != last {
		t.Errorf("%s: comes last %v, want %v", when, got, last)
	}
	for _, n := range w.Nodes() {
		if n.Node == "a" && n.Suspected != suspected {
			t.Errorf("%s: suspected %v, want %v", when, n.Suspected, suspected)
		}
	}
}

// TestANodeWithoutAConnectionIsSuspectedUntilThereIsOne: neither time nor an answer of
// before ends it, and its end ends no other suspicion.
func TestANodeWithoutAConnectionIsSuspectedUntilThereIsOne(t *testing.T) {
	w := newWatching()
	w.Lose("a")
	w.now = w.now.Add(time.Hour)
	w.judges(t, "after an hour", true, true)
	w.Trust("a")
	w.judges(t, "after an answer", true, true)
	changed := w.Changed()
	w.Find("a")
	w.judges(t, "with a connection", false, false)
	select {
	case <-changed:
	default:
		t.Error("layers without a replica do not hear of the node")
	}
	if n := w.Nodes()[0].Suspicions; n != 1 {
		t.Errorf("it was suspected %d times, want once", n)
	}
	w.Lose("a")
	w.Suspect("a") // a call has failed too
	w.Find("a")
	w.judges(t, "after a failed call", true, true)
	w.now = w.now.Add(minSpan)
	w.judges(t, "when that is over", false, false)
	w.Find("a")
	w.judges(t, "found twice", false, false)
}

// TestANodeThatAsksForItComesLast, and is suspected only if something else speaks
// against it.
func TestANodeThatAsksForItComesLast(t *testing.T) {
	for name, tt := range map[string]struct {
		do        func(w *watching)
		suspected bool
	}{
		"it asks":                    {func(w *watching) { w.Avoid("a") }, false},
		"it asks, and a call fails":  {func(w *watching) { w.Avoid("a"); w.Suspect("a") }, true},
		"a call fails, and it asks":  {func(w *watching) { w.Suspect("a"); w.Avoid("a") }, true},
		"it asks, and is lost":       {func(w *watching) { w.Avoid("a"); w.Lose("a") }, true},
		"it is lost and found again": {func(w *watching) { w.Lose("a"); w.Find("a"); w.Avoid("a") }, false},
	} {
		w := newWatching()
		w.nodes.record("a")
		tt.do(w)
		w.judges(t, name, true, tt.suspected)
	}
	w := newWatching()
	w.Avoid("a")
	w.now = w.now.Add(minSpan)
	w.judges(t, "a second after it asked", false, false)
}
