package planner

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/coordinator/eplb"
	"github.com/hachi-serve/hachi/moe"
)

// 100,000 take four minutes: go test ./internal/coordinator/planner -clusters 100000
var clusters = flag.Int("clusters", 3000, "random clusters that every property is tried with")

// dice draws clusters.
type dice struct{ *rand.Rand }

func newDice(n int) dice { return dice{rand.New(rand.NewPCG(13, uint64(n)))} }

func (d dice) between(low, high int) int { return low + d.IntN(high-low+1) }

// load follows Zipf's law over the experts of a layer, in random order.
func (d dice) load(t moe.Topology) []float64 {
	skew := d.Float64() * 1.5
	var out []float64
	for layer := range t.Layers() {
		ranks := d.Perm(t.In(layer))
		for _, rank := range ranks {
			out = append(out, math.Round(1e5/math.Pow(float64(rank+1), skew)))
		}
	}
	return out
}

// cluster draws nodes without experts. Equal ones have the same capacity, speed and
// no zones.
func (d dice) cluster(equal bool) Input {
	in := Input{
		Policy: Balanced, Topology: moe.Uniform(d.between(1, 3), d.between(1, 16)), Replicas: d.between(1, 3),
		Redundant: d.between(0, 4), Nodes: nodes(d.between(1, 8)),
	}
	in.Load = d.load(in.Topology)
	if equal {
		return in
	}
	in.StepRows = []float64{0, 2, 64, 4096}[d.IntN(4)]
	zones := d.between(1, 3)
	for i := range in.Nodes {
		in.Nodes[i].Capacity = d.between(-1, 40)
		in.Nodes[i].Zone = fmt.Sprint("zone-", d.IntN(zones))
		if d.IntN(4) > 0 {
			in.Nodes[i].Speed = Speed{Expert: 1e-3 * (1 + d.Float64()), Row: 1e-4 * (1 + d.Float64())}
		}
	}
	return in
}

// each plans random clusters, until one fails.
func each(t *testing.T, check func(t *testing.T, d dice)) {
	t.Helper()
	for i := range *clusters {
		if check(t, newDice(i)); t.Failed() {
			t.Fatalf("cluster %d", i)
		}
	}
}

func copiesOf(plan Plan) map[moe.ExpertID][]moe.NodeID {
	out := map[moe.ExpertID][]moe.NodeID{}
	for _, id := range slices.Sorted(maps.Keys(plan.Shards)) {
		for _, expert := range plan.Shards[id] {
			out[expert] = append(out[expert], id)
		}
	}
	return out
}

func TestRandomClustersKeepTheConstraints(t *testing.T) {
	each(t, func(t *testing.T, d dice) {
		in := d.cluster(false)
		in.Policy = []Policy{Column, Balanced, EPLB}[d.IntN(3)]
		plan := Compute(in)
		room := 0
		for _, n := range in.Nodes {
			if n.Capacity >= 0 && len(plan.Shards[n.ID]) > n.Capacity {
				t.Errorf("%s has room for %d experts and gets %d", n.ID, n.Capacity, len(plan.Shards[n.ID]))
			}
			if n.Capacity < 0 {
				room += in.Topology.Experts()
			}
			room += max(0, n.Capacity)
			if shard := plan.Shards[n.ID]; !slices.Equal(shard, moe.NewShard(shard)) {
				t.Errorf("%s gets %v, not a set", n.ID, shard)
			}
		}
		copies := copiesOf(plan)
		if want := min(room, in.Topology.Experts()); len(copies) != want {
			t.Errorf("%d experts have a place, want %d", len(copies), want)
		}
		for layer := range in.Topology.Layers() {
			sum := 0
			for e := range in.Topology.In(layer) {
				sum += len(copies[moe.ExpertID{Layer: layer, Expert: e}])
			}
			if most := in.Topology.In(layer)*in.Replicas + in.Redundant; sum > most {
				t.Errorf("layer %d has %d copies, want at most %d", layer, sum, most)
			}
		}
	})
}

func TestAPlanIsItsOwnFixedPoint(t *testing.T) {
	each(t, func(t *testing.T, d dice) {
		in := d.cluster(d.IntN(2) == 0)
		in.Policy = []Policy{Column, Balanced, EPLB}[d.IntN(3)]
		plan := Compute(in)
		if again := Compute(settle(in, plan)); moved(plan, again)+moved(again, plan) > 0 {
			t.Errorf("%v became %v", plan.Shards, again.Shards)
		}
	})
}

func TestTheOrderOfNodesChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, d dice) {
		in := d.cluster(d.IntN(2) == 0)
		plan := Compute(in)
		if d.IntN(2) == 0 { // a cluster in service, one node of which is gone
			in = settle(in, plan)
			in.Nodes = in.Nodes[1:]
			plan = Compute(in)
		}
		in.Nodes = slices.Clone(in.Nodes)
		d.Shuffle(len(in.Nodes), func(i, j int) { in.Nodes[i], in.Nodes[j] = in.Nodes[j], in.Nodes[i] })
		if again := Compute(in); fmt.Sprint(again) != fmt.Sprint(plan) {
			t.Errorf("%v became %v", plan, again)
		}
	})
}

// TestAJoinMovesNoMoreThanNeeded: only the node that joins loads anything, and with
// equal load no more than its share of each layer.
func TestAJoinMovesNoMoreThanNeeded(t *testing.T) {
	each(t, func(t *testing.T, d dice) {
		in := d.cluster(d.IntN(2) == 0)
		even := d.IntN(2) == 0
		if even {
			in.Nodes, in.Load, in.StepRows = nodes(len(in.Nodes)), nil, 0
		}
		before := Compute(in)
		joined := settle(in, before)
		joined.Nodes = append(joined.Nodes, Node{ID: "new", Joined: true, Capacity: d.between(-1, 40), Zone: "zone-0"})
		joined.Moves = Moves{Max: -1}
		after := Compute(joined)
		for id, shard := range after.Shards {
			if gained := shard.Minus(before.Shards[id]); id != "new" && len(gained) > 0 {
				t.Errorf("%s loads %v because another node joined", id, gained)
			}
		}
		share := 0
		for layer := range in.Topology.Layers() {
			copies := in.Topology.In(layer)*in.Replicas + in.Redundant
			share += (copies + len(joined.Nodes) - 1) / len(joined.Nodes)
		}
		if even && before.Missing == 0 && len(after.Shards["new"]) > share {
			t.Errorf("the node that joins gets %d experts, its share is %d", len(after.Shards["new"]), share)
		}
	})
}

// TestALeaveMovesNoMoreThanNeeded: what is loaded is at most what the node that is
// gone had, and no other copy moves.
func TestALeaveMovesNoMoreThanNeeded(t *testing.T) {
	each(t, func(t *testing.T, d dice) {
		in := d.cluster(d.IntN(2) == 0)
		before := Compute(in)
		left := settle(in, before)
		gone := left.Nodes[d.IntN(len(left.Nodes))]
		left.Nodes = slices.DeleteFunc(left.Nodes, func(n Node) bool { return n.ID == gone.ID })
		after := Compute(left)
		lost := moe.Shard(before.Shards[gone.ID])
		for id, shard := range after.Shards {
			if moved := shard.Minus(before.Shards[id]).Minus(lost); in.Redundant == 0 && len(moved) > 0 {
				t.Errorf("%s loads %v, which %s did not have", id, moved, gone.ID)
			}
			if dropped := before.Shards[id].Minus(shard); after.Evicts == 0 && len(dropped) > 0 {
				t.Errorf("%s drops %v", id, dropped)
			}
		}
		if n := moved(before, after); n > len(lost) {
			t.Errorf("%d copies are loaded, %s had %d", n, gone.ID, len(lost))
		}
	})
}

// TestBalancedIsNeverWorseThanEPLB where EPLB applies: equal nodes, counts that
// divide, one copy at least of every expert, and no node with two copies of one.
func TestBalancedIsNeverWorseThanEPLB(t *testing.T) {
	applied, better := 0, 0
	each(t, func(t *testing.T, d dice) {
		in := d.cluster(true)
		in.Replicas = 1
		in.Redundant = (len(in.Nodes)-in.Topology.In(0)%len(in.Nodes))%len(in.Nodes) + len(in.Nodes)*d.between(0, 2)
		slots := in.Topology.In(0) + in.Redundant
		if d.IntN(2) == 0 {
			for i := range in.Nodes { // no more room than EPLB needs
				in.Nodes[i].Capacity = slots / len(in.Nodes) * in.Topology.Layers()
			}
		}
		theirs := 0.0
		for layer := range in.Topology.Layers() {
			load := newPlacer(in).share[in.Topology.First(layer):][:in.Topology.In(layer)]
			layout, err := eplb.Rebalance(load, eplb.Shape{Slots: slots, Groups: 1, Nodes: 1, GPUs: len(in.Nodes)})
			if err != nil {
				t.Fatal(err)
			}
			busiest, valid := busiestGPU(load, layout, len(in.Nodes))
			if !valid {
				return
			}
			theirs += busiest
		}
		applied++
		ours := carried(in, Compute(in))
		if ours > theirs*(1+1e-6) {
			t.Errorf("the busiest nodes carry %g, EPLB's %g", ours, theirs)
		}
		if ours < theirs*(1-1e-6) {
			better++
		}
	})
	t.Logf("EPLB applies to %d of %d clusters; balanced is better in %d", applied, *clusters, better)
	if applied < *clusters/4 {
		t.Errorf("EPLB applies to %d of %d clusters only", applied, *clusters)
	}
}

// busiestGPU is the load of the busiest GPU; false if one has two copies of an
// expert.
func busiestGPU(load []float64, layout []int, gpus int) (busiest float64, valid bool) {
	copies := map[int]float64{}
	for _, e := range layout {
		copies[e]++
	}
	valid = true
	for gpu := range slices.Chunk(layout, len(layout)/gpus) {
		sum := 0.0
		for i, e := range gpu {
			sum += load[e] / copies[e]
			valid = valid && !slices.Contains(gpu[:i], e)
		}
		busiest = max(busiest, sum)
	}
	return busiest, valid
}

func TestCopiesGoToDifferentZonesWhereTheyFit(t *testing.T) {
	each(t, func(t *testing.T, d dice) {
		in := d.cluster(false)
		for i := range in.Nodes {
			in.Nodes[i].Capacity = -1
		}
		zones := map[moe.NodeID]string{}
		all := map[string]bool{}
		for _, n := range in.Nodes {
			zones[n.ID], all[n.Zone] = n.Zone, true
		}
		for expert, holders := range copiesOf(Compute(in)) {
			of := map[string]bool{}
			for _, id := range holders {
				of[zones[id]] = true
			}
			if want := min(len(all), len(holders)); len(of) != want {
				t.Errorf("%v is on %v, in %d zones, want %d", expert, holders, len(of), want)
			}
		}
	})
}
