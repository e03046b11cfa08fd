package expertnode

import (
	"fmt"
	"testing"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func TestUnloadRule(t *testing.T) {
	e0, e1 := moe.ExpertID{Expert: 0}, moe.ExpertID{Expert: 1}
	place := func(epoch moe.Epoch, nodes ...moe.NodeID) *moe.Placement {
		table := make([][]moe.Replica, len(nodes))
		for i, n := range nodes {
			table[i] = []moe.Replica{{Node: n}}
		}
		p, err := moe.NewPlacement(epoch, "f", moe.Uniform(1, len(nodes)), table)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	router := func(acked uint64) []*hachiv1.RouterRecord { return []*hachiv1.RouterRecord{{AckedEpoch: acked}} }
	moved := moe.Target{Shards: map[moe.NodeID]moe.Shard{"n": {e0}}}
	tests := []struct {
		name string
		v    view
		want string
	}{
		{"moved, placed elsewhere, acked", view{moved, true, place(5, "n", "m"), router(5), true}, "[L0/E1]"},
		{"a router has not acked", view{moved, true, place(5, "n", "m"), append(router(5), router(4)...), true}, "[]"},
		{"still placed here", view{moved, true, place(5, "n", "n"), router(5), true}, "[]"},
		{"still wanted here", view{moe.Target{Shards: map[moe.NodeID]moe.Shard{"n": {e0, e1}}}, true, place(5, "n", "m"), router(5), true}, "[]"},
		{"no target was ever seen", view{moe.Target{}, false, place(5, "m", "m"), router(5), true}, "[]"},
		{"no placement was ever seen", view{moved, true, nil, router(5), true}, "[]"},
		{"the routers were never seen", view{moved, true, place(5, "n", "m"), nil, false}, "[]"},
	}
	for _, tt := range tests {
		if got := fmt.Sprint(tt.v.toUnload("n", moe.Shard{e0, e1})); got != tt.want {
			t.Errorf("%s: unload %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestRoutersOfAnotherModelDoNotMatter(t *testing.T) {
	got := routersOf([]*hachiv1.RouterRecord{{RouterId: "a", Fingerprint: "f"}, {RouterId: "b", Fingerprint: "g"}}, "f")
	if len(got) != 1 || got[0].GetRouterId() != "a" {
		t.Errorf("routers %v, want the one of model f", got)
	}
}
