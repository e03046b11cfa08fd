package moepb

import (
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func drawPlacement(t *rapid.T) *moe.Placement {
	layers := rapid.IntRange(1, 4).Draw(t, "layers")
	experts := rapid.IntRange(1, 9).Draw(t, "experts")
	nodes := []moe.Replica{{Node: "a", Addr: "a:1"}, {Node: "b", Addr: "b:2"}, {Node: "c", Addr: "c:3"}}
	table := make([][]moe.Replica, layers*experts)
	for i := range table {
		table[i] = rapid.Permutation(nodes).Draw(t, "order")[:rapid.IntRange(1, 3).Draw(t, "replicas")]
	}
	p, err := moe.NewPlacement(moe.Epoch(rapid.Uint64Range(1, 1<<40).Draw(t, "epoch")), "f00d", moe.Uniform(layers, experts), table)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlacementSurvivesTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawPlacement(t)
		raw, err := proto.Marshal(PlacementToProto(want))
		if err != nil {
			t.Fatal(err)
		}
		var record hachiv1.PlacementRecord
		if err := proto.Unmarshal(raw, &record); err != nil {
			t.Fatal(err)
		}
		got, err := PlacementFromProto(&record)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestShardSurvivesTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ids []moe.ExpertID
		for range rapid.IntRange(0, 30).Draw(t, "n") {
			ids = append(ids, moe.ExpertID{
				Layer:  rapid.IntRange(0, 3).Draw(t, "layer"),
				Expert: rapid.IntRange(0, 9).Draw(t, "expert"),
			})
		}
		want := moe.NewShard(ids)
		got, err := ShardFromProto(ShardToProto(want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, %v, want %v", got, err, want)
		}
	})
}

func TestDamagedRecordsAreRefused(t *testing.T) {
	good := func() *hachiv1.PlacementRecord {
		return &hachiv1.PlacementRecord{
			Epoch: 1, ExpertsPerLayer: []uint32{1},
			Nodes:    []*hachiv1.PlacementNode{{NodeId: "a"}},
			Replicas: []*hachiv1.ReplicaList{{Nodes: []uint32{0}}},
		}
	}
	if _, err := PlacementFromProto(good()); err != nil {
		t.Fatalf("the good record: %v", err)
	}
	for name, spoil := range map[string]func(*hachiv1.PlacementRecord){
		"epoch 0":          func(p *hachiv1.PlacementRecord) { p.Epoch = 0 },
		"hole":             func(p *hachiv1.PlacementRecord) { p.Replicas[0].Nodes = nil },
		"unknown node":     func(p *hachiv1.PlacementRecord) { p.Replicas[0].Nodes[0] = 7 },
		"shape":            func(p *hachiv1.PlacementRecord) { p.ExpertsPerLayer = []uint32{2} },
		"shape overflow":   func(p *hachiv1.PlacementRecord) { p.ExpertsPerLayer = []uint32{1 << 31, 1 << 31} },
		"missing replicas": func(p *hachiv1.PlacementRecord) { p.Replicas = nil },
	} {
		p := good()
		spoil(p)
		if _, err := PlacementFromProto(p); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	huge := &hachiv1.Shard{Ranges: []*hachiv1.ExpertRange{{Count: 1 << 31}}}
	if _, err := ShardFromProto(huge); err == nil {
		t.Error("a shard of 2^31 experts: accepted")
	}
}
