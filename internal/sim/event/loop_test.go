package event

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestEventsFireInOrder: by time, and at one time in the order of scheduling, whatever queue
// they wait in.
func TestEventsFireInOrder(t *testing.T) {
	type scheduled struct {
		at    time.Duration
		order int
	}
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		var l Loop
		var want, got []scheduled
		for i := range 500 {
			s := scheduled{time.Duration(r.IntN(40)) * near / 20, i}
			want = append(want, s)
			schedule := l.At
			if r.IntN(2) == 0 {
				schedule = l.AtLocal
			}
			schedule(s.at, Func(func() { got = append(got, s) }))
		}
		for l.Step() {
		}
		slices.SortFunc(want, func(a, b scheduled) int { return cmp.Or(cmp.Compare(a.at, b.at), a.order-b.order) })
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v, want %v", seed, got, want)
		}
		if l.Fired() != 500 || l.Pending() != 0 {
			t.Errorf("seed %d: %d events fired, %d wait", seed, l.Fired(), l.Pending())
		}
	}
}

func TestTimeNeverGoesBack(t *testing.T) {
	var l Loop
	var times []time.Duration
	record := Func(func() { times = append(times, l.Now()) })
	l.At(5, Func(func() {
		l.At(3, record) // the past is now
		l.After(2, record)
		l.After(0, record)
	}))
	for l.Step() {
	}
	if want := []time.Duration{5, 5, 7}; !slices.Equal(times, want) {
		t.Errorf("%v, want %v", times, want)
	}
	if got := l.Since(l.Date()); got != l.Now() {
		t.Errorf("the date of %v is that of %v", l.Now(), got)
	}
}

func TestNextGlobalIsTheFirstEventThatIsNotLocal(t *testing.T) {
	var l Loop
	if _, ok := l.NextGlobal(); ok || l.Step() {
		t.Error("a loop without events has one")
	}
	l.At(9, Func(func() {}))
	l.At(4, Func(func() {}))
	l.AtLocal(2, Func(func() {}))
	if at, ok := l.NextGlobal(); !ok || at != 4 {
		t.Errorf("the next global event is at %v, %v", at, ok)
	}
}

// BenchmarkEvents is the rate of events that each schedule another, with a thousand in
// the queue.
func BenchmarkEvents(b *testing.B) {
	var l Loop
	r := rand.New(rand.NewPCG(1, 2))
	var again Func
	again = func() { l.After(time.Duration(r.IntN(1000)), again) }
	for range 1000 {
		again()
	}
	b.ReportAllocs()
	for b.Loop() {
		l.Step()
	}
	b.ReportMetric(float64(l.Fired())/b.Elapsed().Seconds(), "events/s")
}
