package measure

import (
	"slices"
	"testing"
	"time"
)

func TestMedianLeavesItsArgumentInOrder(t *testing.T) {
	all := []float64{5, 1, 3, 2}
	if got := Median(all); got != 2.5 {
		t.Errorf("median %v, want 2.5", got)
	}
	if got := Median(all[:3]); got != 3 {
		t.Errorf("median of an odd number %v, want 3", got)
	}
	if !slices.Equal(all, []float64{5, 1, 3, 2}) {
		t.Errorf("the argument is %v now", all)
	}
}

// TestRatiosAreOfOneRound: a round that is slow for both sides changes nothing.
func TestRatiosAreOfOneRound(t *testing.T) {
	if got := MedianRatio([]float64{2, 20, 4}, []float64{1, 10, 2}); got != 2 {
		t.Errorf("ratio %v, want 2", got)
	}
}

func TestEveryoneBeginsOnce(t *testing.T) {
	for round, want := range [][]string{{"a", "b", "c"}, {"b", "c", "a"}, {"c", "a", "b"}, {"a", "b", "c"}} {
		if got := Turns([]string{"a", "b", "c"}, round); !slices.Equal(got, want) {
			t.Errorf("round %d: %v, want %v", round, got, want)
		}
	}
}

func TestPercentilesAreOfNearestRank(t *testing.T) {
	var all []time.Duration
	for i := 100; i > 0; i-- {
		all = append(all, time.Duration(i)*time.Millisecond)
	}
	if got, want := LatencyOf(all), (Latency{50, 90, 99, 100}); got != want {
		t.Errorf("%+v of 1 to 100 ms, want %+v", got, want)
	}
	if all[0] != 100*time.Millisecond {
		t.Error("the argument is sorted now")
	}
	if got, want := LatencyOf(all[:1]), (Latency{100, 100, 100, 100}); got != want {
		t.Errorf("%+v of 100 ms, want %+v", got, want)
	}
	if got := LatencyOf(nil); got != (Latency{}) {
		t.Errorf("%+v of nothing", got)
	}
}

// TestMediansAreOfEachPercentile: they need not be of one round.
func TestMediansAreOfEachPercentile(t *testing.T) {
	all := []Latency{{1, 20, 300, 4000}, {2, 10, 100, 6000}, {3, 30, 200, 5000}}
	if got, want := MedianLatency(all), (Latency{2, 20, 200, 5000}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := MedianLatency(nil); got != (Latency{}) {
		t.Errorf("%+v of nothing", got)
	}
}

func TestCellsShowWhatMatters(t *testing.T) {
	if got, want := (Latency{P50: 1.25, P90: 300, P99: 12_345}).Cells(), "1.2 ms\t300 ms\t12.3 s\t"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
