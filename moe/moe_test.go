package moe

import (
	"errors"
	"fmt"
	"testing"
)

func TestPlacementHasNoHoles(t *testing.T) {
	one := []Replica{{Node: "a", Addr: "a:1"}}
	tests := []struct {
		name     string
		epoch    Epoch
		perLayer []int
		table    [][]Replica
		ok       bool
	}{
		{"complete", 1, []int{2}, [][]Replica{one, one}, true},
		{"epoch 0", 0, []int{2}, [][]Replica{one, one}, false},
		{"hole", 1, []int{2}, [][]Replica{one, nil}, false},
		{"short", 1, []int{2}, [][]Replica{one}, false},
		{"no layers", 1, nil, nil, false},
		{"dense layers only", 1, []int{0, 0}, nil, false},
		{"a dense layer between", 1, []int{1, 0, 1}, [][]Replica{one, one}, true},
	}
	for _, tt := range tests {
		_, err := NewPlacement(tt.epoch, "f", NewTopology(tt.perLayer), tt.table)
		if (err == nil) != tt.ok {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
}

func TestPlacementCopiesItsTable(t *testing.T) {
	table := [][]Replica{{{Node: "b", Addr: "b:1"}, {Node: "a", Addr: "a:1"}}}
	p, err := NewPlacement(3, "f", Uniform(1, 1), table)
	if err != nil {
		t.Fatal(err)
	}
	table[0][0].Node = "changed"
	if got := p.Replicas(ExpertID{})[0].Node; got != "b" {
		t.Errorf("placement changed with its input: %s", got)
	}
	if got := p.Replicas(ExpertID{Layer: 1}); got != nil {
		t.Errorf("expert outside the placement has replicas %v", got)
	}
	if nodes := p.Nodes(); len(nodes) != 2 || nodes[0].Node != "a" {
		t.Errorf("nodes %v, want a before b", nodes)
	}
}

func TestShardIsASortedSet(t *testing.T) {
	s := NewShard([]ExpertID{{1, 0}, {0, 3}, {1, 0}, {0, 1}})
	if want := "[L0/E1 L0/E3 L1/E0]"; fmt.Sprint(s) != want {
		t.Errorf("got %v, want %v", s, want)
	}
	if !s.Has(ExpertID{0, 3}) || s.Has(ExpertID{0, 2}) {
		t.Error("Has disagrees with the contents")
	}
	if got := fmt.Sprint(s.Minus(NewShard([]ExpertID{{0, 3}}))); got != "[L0/E1 L1/E0]" {
		t.Errorf("minus: %s", got)
	}
}

func TestKindIsFoundInAChain(t *testing.T) {
	err := fmt.Errorf("layer 3: %w", &Error{Op: "expert call", Node: "n", Kind: Busy, Err: errors.New("full")})
	if KindOf(err) != Busy || KindOf(errors.New("x")) != Internal {
		t.Error("wrong kind")
	}
	if want := "layer 3: expert call on n: busy: full"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestReplyIsFreedOnce(t *testing.T) {
	freed := 0
	r := &Reply{Y: []byte{1}}
	r.Release = func() {
		if r.Release != nil || r.Y != nil {
			t.Error("the memory is still referred to when it is released")
		}
		freed++
	}
	r.Free()
	r.Free()
	if freed != 1 {
		t.Errorf("freed %d times", freed)
	}
	(*Reply)(nil).Free()
	(&Reply{Y: []byte{1}}).Free()
}

func TestCallCountsRowsPerExpert(t *testing.T) {
	c := Call{Rows: 3, Groups: []Group{{0, []int32{0, 1}}, {4, []int32{0, 1, 2}}, {5, nil}}}
	if got := c.OutRows(); got != 5 {
		t.Errorf("%d rows out, want 5", got)
	}
}

func TestRoutingCountsRows(t *testing.T) {
	if got := (Routing{K: 2, Experts: make([]int32, 6)}).Rows(); got != 3 {
		t.Errorf("%d rows, want 3", got)
	}
	if got := (Routing{}).Rows(); got != 0 {
		t.Errorf("%d rows of no routing", got)
	}
}
