package planner

import (
	"slices"

	"github.com/hachi-serve/hachi/moe"
)

// Policy is how experts are placed.
type Policy string

const (
	Column   Policy = "column"
	Balanced Policy = "balanced"
)

// Mode is what a plan may do with a node.
type Mode int

const (
	// Schedulable nodes gain and lose experts.
	Schedulable Mode = iota
	// Pinned nodes keep exactly what they are assigned: their records are
	// missing for a moment.
	Pinned
	// Draining nodes gain nothing and keep only experts without another place.
	Draining
)

// Node is a node that holds experts or can.
type Node struct {
	ID       moe.NodeID
	Mode     Mode
	Capacity int       // experts; negative is no limit
	Assigned moe.Shard // what the present target gives it
	Resident moe.Shard // what it holds now
}

// Moves bounds how many copies that have a place may be given another. Only a
// balanced plan moves copies; a swap counts as two.
type Moves struct {
	Max int // 0 is none, negative no bound
	// Layers that are out of balance: their busiest nodes are relieved, by swaps
	// too. Nil is all layers, for nodes that have just joined: every node may be
	// relieved, and nothing is swapped.
	Layers []int
	// Gain is the minimum by which a move must lower the load of the busier of
	// its two nodes, as a share of what the layer's nodes carry on average.
	Gain float64
}

// Input is everything a plan depends on.
type Input struct {
	Policy   Policy
	Topology moe.Topology
	Replicas int
	Nodes    []Node
	// Homes are the ids of all nodes a column plan counts, present or not: a
	// node that is away keeps its place. When empty, the nodes that do not
	// leave.
	Homes []moe.NodeID
	// Load is rows per expert over some time, by Topology.Index; nil counts all
	// experts alike. Only the shares within a layer matter.
	Load  []float64
	Moves Moves
}

// Plan is a target and what is wrong with it.
type Plan struct {
	// Shards has an entry for every node that does not leave and, in a column
	// plan, for every home.
	Shards map[moe.NodeID]moe.Shard
	// Missing counts copies that found no place, first copies among them.
	Missing int
	// Unplaced lists experts without any place.
	Unplaced []moe.ExpertID
	// Stuck lists leaving nodes that keep experts which found no other place.
	Stuck []moe.NodeID
	// Moved counts copies that Moves gave another place.
	Moved int
}

// maxRounds bounds how often Compute plans again from its own plan. Nearly all come
// back as they are the first time.
const maxRounds = 32

// Compute makes a plan, and plans again from what it gives until that changes
// nothing. A copy that has found a second place can make room at its first for
// an expert that had none.
func Compute(in Input) Plan {
	plan := compute(in)
	moved := plan.Moved
	in.Nodes, in.Moves = slices.Clone(in.Nodes), Moves{}
	for range maxRounds {
		same := true
		for i, n := range in.Nodes {
			shard := plan.Shards[n.ID]
			same = same && slices.Equal(shard, n.Assigned)
			in.Nodes[i].Assigned = shard
		}
		if same {
			break
		}
		plan = compute(in)
	}
	plan.Moved = moved
	return plan
}

// compute makes a plan in one go.
func compute(in Input) Plan {
	p := newPlacer(in)
	p.keepFixed()
	for copyNo := range in.Replicas {
		if in.Policy == Column {
			p.sendHome(copyNo)
		}
		p.keepPlaced(copyNo)
		p.fill(copyNo)
	}
	plan := Plan{Shards: map[moe.NodeID]moe.Shard{}}
	plan.Stuck = p.keepLeaving() // after all copies: it keeps what no other node has
	if in.Policy == Balanced {
		plan.Moved = p.spread(in.Moves)
	}
	plan.Missing, plan.Unplaced = p.missing()
	if in.Policy == Column {
		for _, home := range p.homes {
			plan.Shards[home] = nil
		}
	}
	for i, n := range p.nodes {
		if shard := p.shard(i); n.Mode != Draining || len(shard) > 0 {
			plan.Shards[n.ID] = shard
		}
	}
	return plan
}
