package share

import (
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cputime"
)

// TestDemandIsOfTheThreadsOfEachInterval: a thread computes in one interval and passes
// messages in the next; one begins, one ends, one stays on its core all the time, and one
// does nothing.
func TestDemandIsOfTheThreadsOfEachInterval(t *testing.T) {
	const ms = time.Millisecond
	at := func(d time.Duration) time.Time { return time.Unix(0, 0).Add(d) }
	changes, begins, ends, stays, idle := thread{1, 1}, thread{1, 2}, thread{2, 1}, thread{2, 2}, thread{3, 3}
	samples := []sample{
		{at(0), map[thread]cputime.Use{changes: {Ran: 500 * ms, Waited: 7 * ms, Stays: 9}, ends: {Ran: ms, Stays: 1}, stays: {}, idle: {Ran: 3 * ms, Stays: 2}}},
		{at(100 * ms), map[thread]cputime.Use{
			changes: {Ran: 560 * ms, Waited: 27 * ms, Stays: 69}, // 1 ms a stay
			stays:   {Ran: 100 * ms},
			idle:    {Ran: 3 * ms, Stays: 2},
		}},
		{at(200 * ms), map[thread]cputime.Use{
			changes: {Ran: 561 * ms, Waited: 47 * ms, Stays: 169}, // 10 us a stay
			begins:  {Ran: 39 * ms, Waited: 60 * ms, Stays: 780},  // 50 us a stay
			stays:   {Ran: 200 * ms},
			idle:    {Ran: 3 * ms, Stays: 2},
		}},
	}
	var d demand
	for i, after := range samples[1:] {
		d.add(samples[i], after)
	}
	if got, want := d.over(d.all), (Demand{1.5, 0.5}); got != want {
		t.Errorf("all threads %+v, want %+v", got, want)
	}
	computing := d.over(d.computing)
	if want := (Demand{1.495, 0.4}); computing != want {
		t.Errorf("threads that compute %+v, want %+v", computing, want)
	}
	if got := computing.Over(2); got != 0.9475 {
		t.Errorf("oversubscription %v, want 0.9475", got)
	}
}
