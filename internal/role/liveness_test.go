package role

import (
	"testing"

	"github.com/hachi-serve/hachi/internal/cluster/gossip"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
)

// TestSilence tells a node that died from one that gossip has never heard, which may be
// behind a network that drops its packets.
func TestSilence(t *testing.T) {
	l := &liveness{alive: map[string]bool{}, nodes: map[string]bool{}}
	heard := func(state gossip.State) {
		l.hear(gossip.Change{Name: "a", Role: registry.ExpertNodeRole, State: state})
	}
	if l.silent("a") {
		t.Error("a node that was never heard is silent")
	}
	for _, c := range []struct {
		state gossip.State
		want  bool
	}{{gossip.Alive, false}, {gossip.Suspect, true}, {gossip.Alive, false}} {
		if heard(c.state); l.silent("a") != c.want {
			t.Errorf("after state %v: silent %v", c.state, !c.want)
		}
	}
}
