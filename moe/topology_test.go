package moe

import (
	"slices"
	"testing"
)

func TestTopologyCountsExpertsPerLayer(t *testing.T) {
	for _, tt := range []struct {
		perLayer []int
		experts  int
		text     string
	}{
		{nil, 0, ""},
		{[]int{8, 8, 8}, 24, "3x8"},
		{[]int{0, 4, 4, 0, 2}, 10, "1x0,2x4,1x0,1x2"},
		{[]int{0, 0}, 0, "2x0"},
		{[]int{3, -1}, 3, "1x3,1x0"},
	} {
		top := NewTopology(tt.perLayer)
		if top.Layers() != len(tt.perLayer) || top.Experts() != tt.experts || top.String() != tt.text {
			t.Errorf("%v: %d layers, %d experts, %q; want %d, %d, %q",
				tt.perLayer, top.Layers(), top.Experts(), top, len(tt.perLayer), tt.experts, tt.text)
		}
		next := 0
		for i, id := range top.All() {
			if i != next || top.Index(id) != i || top.ID(i) != id || !top.Has(id) {
				t.Errorf("%v: expert %v at %d: Index %d, ID %v; want index %d", tt.perLayer, id, i, top.Index(id), top.ID(i), next)
			}
			next++
		}
		if next != tt.experts {
			t.Errorf("%v: All yields %d experts, want %d", tt.perLayer, next, tt.experts)
		}
	}
}

func TestTopologyRefusesExpertsItDoesNotHave(t *testing.T) {
	top := NewTopology([]int{2, 0, 3})
	for _, id := range []ExpertID{{-1, 0}, {0, -1}, {0, 2}, {1, 0}, {2, 3}, {3, 0}} {
		if top.Has(id) || top.Index(id) != -1 {
			t.Errorf("%v: Has %v, Index %d, want false and -1", id, top.Has(id), top.Index(id))
		}
	}
}

func TestTopologiesAreEqualByLayers(t *testing.T) {
	if !Uniform(2, 3).Equal(NewTopology([]int{3, 3})) || Uniform(2, 3).Equal(Uniform(3, 2)) || !(Topology{}).Equal(NewTopology(nil)) {
		t.Error("Equal does not compare layer by layer")
	}
	if got := NewTopology([]int{2, 0, 1}).PerLayer(); !slices.Equal(got, []int{2, 0, 1}) {
		t.Errorf("PerLayer %v", got)
	}
}
