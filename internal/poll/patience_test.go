package poll

import (
	"slices"
	"testing"
)

// gaps are the waits that park before each of n looks, all of which end alike.
func gaps(t *testing.T, p *Patience, n int, found bool) (out []int) {
	t.Helper()
	for range n {
		parked := 0
		for !p.Try() {
			if parked++; parked > 1000 {
				t.Fatalf("%d waits in a row did not look", parked)
			}
		}
		p.Learn(found)
		out = append(out, parked)
	}
	return out
}

func TestPatienceFollowsWhatLookingBrings(t *testing.T) {
	var p Patience
	for _, step := range []struct {
		looks int
		found bool
		want  []int
		why   string
	}{
		{4, true, []int{0, 0, 0, 0}, "every look found something"},
		{9, false, []int{0, 1, 3, 7, 15, 31, 63, 63, 63}, "no look found anything"},
		{4, true, []int{63, 0, 0, 0}, "one look that found something brings the others back"},
		{2, false, []int{0, 1}, "what was in vain before it is forgotten"},
	} {
		if got := gaps(t, &p, step.looks, step.found); !slices.Equal(got, step.want) {
			t.Errorf("%s: %v waits parked between looks, want %v", step.why, got, step.want)
		}
	}
}
