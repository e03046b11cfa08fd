package measure

import (
	"slices"
	"testing"
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
