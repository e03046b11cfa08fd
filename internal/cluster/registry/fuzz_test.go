package registry

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// FuzzRecords: what another program wrote into the store is a record that says nothing
// impossible, or an error.
func FuzzRecords(f *testing.F) {
	placement, err := moe.NewPlacement(1, "f", moe.Uniform(1, 2), [][]moe.Replica{{{Node: "n", Addr: "a:1"}}, {{Node: "m", Addr: "b:1"}}})
	if err != nil {
		f.Fatal(err)
	}
	for _, m := range []proto.Message{
		&hachiv1.NodeRecord{NodeId: "n", Addr: "a:1", ExpertsPerLayer: []uint32{2}, Epoch: 1},
		&hachiv1.RouterRecord{RouterId: "n", AckedEpoch: 1 << 63},
		&hachiv1.CoordinatorRecord{CoordinatorId: "n"},
		moepb.TargetToProto(moe.Target{Epoch: 1, Shards: map[moe.NodeID]moe.Shard{"n": moe.NewShard([]moe.ExpertID{{}})}}),
		moepb.PlacementToProto(placement),
	} {
		raw, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add("n", raw)
	}
	f.Add("", []byte(SealedMark))
	f.Add("n", Refused(errSealed))
	f.Add("n", []byte("-9223372036854775808"))
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		key := "/hachi/c/nodes/" + name
		if n, err := decodeRecord[hachiv1.NodeRecord](key, raw); err == nil {
			if n.GetNodeId() != name && n.GetNodeId() != key[len(key)-len(n.GetNodeId()):] || moe.Epoch(n.GetEpoch()) > moe.MaxEpoch {
				t.Errorf("%q holds %v", key, n)
			}
			if _, err := moepb.ShardFromProto(n.GetResident()); err != nil {
				t.Error(err)
			}
		}
		if r, err := decodeRecord[hachiv1.RouterRecord](key, raw); err == nil && moe.Epoch(r.GetAckedEpoch()) > moe.MaxEpoch {
			t.Errorf("%v", r)
		}
		_, _ = decodeRecord[hachiv1.CoordinatorRecord](key, raw)
		if p, err := decodePlacement(raw); err == nil && (p.Epoch() > moe.MaxEpoch || p.Topology().Experts() == 0) {
			t.Errorf("placement of epoch %d, %d experts", p.Epoch(), p.Topology().Experts())
		}
		if target, err := decodeTarget(raw); err == nil && target.Epoch > moe.MaxEpoch {
			t.Errorf("target of epoch %d", target.Epoch)
		}
		r := New(nil, Prefix("c"), Options{})
		defer r.Close()
		r.decodeDrains(map[string][]byte{r.drainKey(name): raw})
	})
}
