package coordinator

import (
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestAMachineDecidesForItsOwner: it asks for a target, and publishes when the nodes hold
// it; a later term goes on above the epochs of the earlier.
func TestAMachineDecidesForItsOwner(t *testing.T) {
	now := time.Unix(1000, 0)
	cfg := Config{Policy: planner.Balanced, Replicas: 2, Expect: 2, TTL: 10 * time.Second, Alive: func(moe.NodeID) bool { return true }}
	var records []*hachiv1.NodeRecord
	for _, id := range []string{"a", "b"} {
		records = append(records, &hachiv1.NodeRecord{NodeId: id, Addr: id, Fingerprint: "f", StartedUnixNano: 1, ExpertsPerLayer: []uint32{4}, ExpertBytes: 1, Resident: moepb.ShardToProto(nil)})
	}
	m := Begin(cfg, Written{}, 0, now)
	m.ObserveNodes(records, 1, now)
	out := m.Decide(now)
	if out.Target == nil || out.Placement != nil || len(out.Target.Shards["a"]) != 4 || out.Target.Epoch == 0 {
		t.Fatalf("%+v: want a target, and no placement before it is loaded", out)
	}
	if m.Degraded() == "" {
		t.Error("a cluster that loads is not degraded")
	}
	written := Written{Target: out.Target}
	m.Adopt(written)
	for _, r := range records {
		r.Resident, r.TargetEpoch = moepb.ShardToProto(out.Target.Shards[moe.NodeID(r.NodeId)]), uint64(out.Target.Epoch)
	}
	now = now.Add(time.Second)
	m.ObserveNodes(records, 1, now)
	if out = m.Decide(now); out.Target != nil || out.Placement == nil {
		t.Fatalf("%+v: want a placement of what is loaded", out)
	}
	written.Placement = out.Placement
	m.Adopt(written)
	if again := m.Decide(now.Add(time.Second)); again != (Written{}) || m.Floor() < out.Placement.Epoch() {
		t.Errorf("%+v at rest, floor %d", again, m.Floor())
	}
	next := Begin(cfg, written, m.Floor(), now)
	next.ObserveNodes(records, 1, now)
	if again := next.Decide(now); again != (Written{}) {
		t.Errorf("a new term writes %+v", again)
	}
}
