package expertnode

import (
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/expertnode/batcher"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func TestDutiesOfANode(t *testing.T) {
	e := func(experts ...int) (out moe.Shard) {
		for _, x := range experts {
			out = append(out, moe.ExpertID{Expert: x})
		}
		return out
	}
	p, err := moe.NewPlacement(3, "f", moe.Uniform(1, 3), [][]moe.Replica{{{Node: "a"}}, {{Node: "b"}}, {{Node: "b"}}})
	if err != nil {
		t.Fatal(err)
	}
	target := &moe.Target{Epoch: 3, Shards: map[moe.NodeID]moe.Shard{"a": e(0, 2)}}
	router := func(epoch uint64) []*hachiv1.RouterRecord { return []*hachiv1.RouterRecord{{AckedEpoch: epoch}} }
	for _, tt := range []struct {
		name         string
		news         News
		load, unload moe.Shard
	}{
		{"nothing is heard", News{}, nil, nil},
		{"a target only", News{Target: target}, e(2), nil},
		{"routers unknown", News{Target: target, Placement: p}, e(2), nil},
		{"a router is behind", News{target, p, router(2)}, e(2), nil},
		{"all have acked", News{target, p, router(3)}, e(2), e(1)},
		{"there is no router", News{target, p, []*hachiv1.RouterRecord{}}, e(2), e(1)},
	} {
		load, unload := Duties("a", e(0, 1), tt.news)
		if !slices.Equal(load, tt.load) || !slices.Equal(unload, tt.unload) {
			t.Errorf("%s: load %v, unload %v, want %v and %v", tt.name, load, unload, tt.load, tt.unload)
		}
	}
}

// TestMeasuredValuesAreSteady: a record keeps a value that has changed by less than a
// tenth.
func TestMeasuredValuesAreSteady(t *testing.T) {
	var r hachiv1.NodeRecord
	for _, tt := range []struct{ measured, want float64 }{{1000, 1000}, {1050, 1000}, {1200, 1200}} {
		Measured{Rows: 5, Speed: batcher.Speed{Busy: 7e9}, LoadRate: tt.measured}.Record(&r)
		if r.LoadBytesPerSecond != tt.want || r.RowsServed != 5 || r.BusySeconds != 7 {
			t.Errorf("%v: %v", tt.measured, &r)
		}
	}
}
