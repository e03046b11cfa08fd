package sidecar

import (
	"testing"

	"github.com/hachi-serve/hachi/moe"
)

// TestExpertsGoToAHelperWithRoom: loads at the same time choose different helpers, and
// none chooses one that is full.
func TestExpertsGoToAHelperWithRoom(t *testing.T) {
	const expert = 10
	a, b := &remote{memory: 3 * expert}, &remote{memory: 3*expert + 5}
	f := &fleet{helpers: []*remote{a, b}, owner: map[moe.ExpertID]*remote{}}
	id := func(layer, expert int) moe.ExpertID { return moe.ExpertID{Layer: layer, Expert: expert} }
	first, _ := f.assign(id(0, 0), expert)
	second, _ := f.assign(id(0, 1), expert)
	if first == second {
		t.Error("two experts of a layer went to one helper while the other had none")
	}
	if again, had := f.assign(id(0, 0), expert); again != first || !had {
		t.Error("an expert that is loaded again goes to another helper")
	}
	f.owner = map[moe.ExpertID]*remote{id(0, 0): b, id(1, 0): a, id(2, 0): a, id(3, 0): a}
	for i := range 2 { // a has fewer experts of layer 0, and no room
		if e, _ := f.assign(id(0, 1+i), expert); e != b {
			t.Errorf("expert %d went to the helper that is full", 1+i)
		}
	}
}
