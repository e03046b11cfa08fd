package registry

import (
	"context"
	"strings"
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
		&hachiv1.RouterRecord{RouterId: "n", AckedEpoch: 1 << 63}, &hachiv1.RouterRecord{RouterId: "n", Context: 1 << 31, Load: 1 << 31, TextDigest: "t"},
		&hachiv1.GatewayRecord{GatewayId: "n", HttpAddr: "a:1", Fingerprint: "f"}, &hachiv1.RouterLoad{RouterId: "n", RowsSent: []uint64{1 << 63}},
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
		if g, err := decodeRecord[hachiv1.GatewayRecord](key, raw); err == nil && !strings.HasSuffix(key, "/"+g.GetGatewayId()) {
			t.Errorf("%q holds %v", key, g)
		}
		if l, err := decodeRecord[hachiv1.RouterLoad](key, raw); err == nil && !strings.HasSuffix(key, "/"+l.GetRouterId()) {
			t.Errorf("%q holds %v", key, l)
		}
		_, _ = decodeRecord[hachiv1.CoordinatorRecord](key, raw)
		if p, err := decodePlacement(raw); err == nil && (p.Epoch() > moe.MaxEpoch || p.Topology().Experts() == 0) {
			t.Errorf("placement of epoch %d, %d experts", p.Epoch(), p.Topology().Experts())
		}
		if target, err := decodeTarget(raw); err == nil && target.Epoch > moe.MaxEpoch {
			t.Errorf("target of epoch %d", target.Epoch)
		}
		store := &one{}
		r := New(store, Prefix("c"), Options{})
		defer r.Close()
		r.decodeDrains(map[string][]byte{r.drainKey(name): raw})
		store.raw = raw
		if holders, err := r.Holders(t.Context(), RouterRole); err != nil || len(holders) > 1 {
			t.Errorf("holders %v, %v", holders, err)
		}
	})
}

// one is a store whose every key has one value.
type one struct {
	Store
	raw []byte
}

func (s *one) Get(_ context.Context, prefixes ...string) ([]Entry, error) {
	return []Entry{{Key: prefixes[0] + "n", Value: s.raw}}, nil
}
