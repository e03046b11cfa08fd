package chaos

import (
	"slices"
	"testing"
)

// TestKillsSpareTheRouterThatIsWatched, and leave every other role.
func TestKillsSpareTheRouterThatIsWatched(t *testing.T) {
	var targets []string
	for _, m := range kills(menus(true)) {
		targets = append(targets, m.Target)
		if !slices.Equal(m.Kinds, []Kind{Kill}) {
			t.Errorf("%s suffers %v", m.Target, m.Kinds)
		}
	}
	for _, name := range []string{"router-1", "gateway-0", "expert-0", "coordinator-0", leaderName} {
		if !slices.Contains(targets, name) {
			t.Errorf("%s is never killed", name)
		}
	}
	if slices.Contains(targets, spared) {
		t.Errorf("%s is killed", spared)
	}
}

// TestGrowth compares the largest of two quarters.
func TestGrowth(t *testing.T) {
	early, late, ok := growth([]int{9, 9, 3, 4, 5, 5, 6, 7})
	if early != 4 || late != 7 || !ok {
		t.Errorf("%d, %d, %v", early, late, ok)
	}
	if _, _, ok := growth(make([]int, 7)); ok {
		t.Error("seven samples are compared")
	}
}
