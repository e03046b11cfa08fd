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
	EPLB     Policy = "eplb"
)

// Policies are all policies, as people write them.
func Policies() []string { return []string{string(Column), string(Balanced), string(EPLB)} }

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
	Joined   bool      // the present target does not know it
	Capacity int       // experts; negative is no limit
	Assigned moe.Shard // what the present target gives it
	Resident moe.Shard // what it holds now
	// Zone is what fails together, for example a rack: copies of an expert go to
	// different zones where they can.
	Zone string
	// Backend names what computes. A node whose speed is not known counts as the mean of
	// those with its backend, or of all where none of them is known.
	Backend string
	Speed   Speed
}

// Speed is how fast a node computes; the zero value is not known.
type Speed struct {
	Expert float64 // seconds for each distinct expert of a step, to read its weights
	Row    float64 // seconds for each row of an expert
}

// Known reports that a speed was measured.
func (s Speed) Known() bool { return s.Expert+s.Row > 0 }

// MinGain is the Moves.Gain of a coordinator.
const MinGain = 0.1

// Moves bounds how many copies that have a place may be given another. A column
// plan moves none; a swap counts as two.
type Moves struct {
	Max int // 0 is none, negative no bound
	// Layers that are out of balance: their busiest nodes are relieved, by swaps
	// too. Nil is all layers, for nodes that have just joined: every node may be
	// relieved, by the nodes that joined, and nothing is swapped.
	Layers []int
	// Gain is the minimum by which a move must lower the load of the busier of
	// its two nodes, as a share of what the layer's nodes carry on average.
	Gain float64
	// A move must also save more time than it costs:
	//
	//	gain [s/step] * StepsPerSecond * Horizon >= LoadSeconds
	//
	// LoadSeconds is how long a node takes to load an expert, Horizon how many
	// seconds the load is expected to stay as it is. Without known speeds, or with
	// StepsPerSecond 0, the rule is void.
	LoadSeconds, StepsPerSecond, Horizon float64
}

// Input is everything a plan depends on.
type Input struct {
	Policy   Policy
	Topology moe.Topology
	Replicas int // copies of every expert
	// Redundant is how many copies more a layer gets, for its experts with the
	// highest load per copy. A column plan gives none, a balanced plan none before
	// load is measured.
	Redundant int
	Nodes     []Node
	// Homes are the ids of all nodes a column plan counts, present or not: a
	// node that is away keeps its place. When empty, the nodes that do not
	// leave.
	Homes []moe.NodeID
	// Load is rows per expert over some time, by Topology.Index; nil counts all
	// experts alike. Only the shares within a layer matter.
	Load []float64
	// StepRows is the rows of a layer in one step: tokens times experts per token.
	// 0 is not known: load is then rows, whatever they take.
	StepRows float64
	Moves    Moves
	// Ended reports that the caller waits for the plan no more: what Compute then returns is
	// no plan. Nil is never.
	Ended func() bool
}

// ended is Ended, which may be nil.
func (in *Input) ended() bool { return in.Ended != nil && in.Ended() }

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
	// Evicts is how many of Unplaced wait for a node that first drops a copy of an
	// expert which has another.
	Evicts int
	// NotEPLB says why a plan of the policy eplb is balanced instead; empty when it
	// is not.
	NotEPLB string
}

// maxRounds bounds how often Compute plans again from its own plan. Nearly all come
// back as they are the first time.
const maxRounds = 32

// Compute makes a plan, and plans again from what it gives until that changes
// nothing. A copy that has found a second place can make room at its first for
// an expert that had none. Only if experts without any place remain does the plan
// drop copies of experts that have others, to make room.
//
// Where EPLB applies, a balanced plan for a cluster without one is the faster of
// its own and of EPLB's.
func Compute(in Input) Plan {
	plan := settled(in, false)
	if other, ok := rival(in); ok && faster(in, other, plan) {
		plan = other
	}
	if len(plan.Unplaced) > 0 {
		if evicting := settled(in, true); evicting.Evicts > 0 {
			return evicting
		}
	}
	return plan
}

// rival is the plan of EPLB with as many copies as a balanced plan for a cluster
// without one may have.
func rival(in Input) (Plan, bool) {
	if in.Policy != Balanced || in.Replicas != 1 || len(in.Load) == 0 || !isFresh(in) || hasZones(in) {
		return Plan{}, false
	}
	in.Policy = EPLB
	plan := settled(in, false)
	return plan, plan.NotEPLB == "" && len(plan.Unplaced) == 0
}

func isFresh(in Input) bool {
	return !slices.ContainsFunc(in.Nodes, func(n Node) bool { return len(n.Assigned)+len(n.Resident) > 0 })
}

// hasZones reports that nodes are in different zones, which EPLB does not know.
func hasZones(in Input) bool {
	return slices.ContainsFunc(in.Nodes, func(n Node) bool { return n.Zone != in.Nodes[0].Zone })
}

// faster reports that the busiest nodes of all layers carry less by plan a.
func faster(in Input, a, b Plan) bool {
	return carried(in, a) < carried(in, b)
}

// carried sums over the layers what the busiest node carries, in units.
func carried(in Input, plan Plan) float64 {
	p := newPlacer(Assign(in, plan))
	p.assume()
	sum := 0.0
	for _, layer := range p.layer {
		sum += slices.Max(layer)
	}
	return sum
}

// Assign is the input with a plan as what the nodes are assigned.
func Assign(in Input, plan Plan) Input {
	in.Nodes, in.Moves = slices.Clone(in.Nodes), Moves{}
	for i, n := range in.Nodes {
		in.Nodes[i].Assigned = plan.Shards[n.ID]
	}
	return in
}

// settled plans until the plan does not change any more.
func settled(in Input, evict bool) Plan {
	plan := compute(in, evict)
	moved, notEPLB := plan.Moved, plan.NotEPLB
	in.Nodes, in.Moves = slices.Clone(in.Nodes), Moves{}
	for range maxRounds {
		same := true
		for i, n := range in.Nodes {
			shard := plan.Shards[n.ID]
			same = same && slices.Equal(shard, n.Assigned)
			in.Nodes[i].Assigned = shard
		}
		if same || in.ended() {
			break
		}
		plan = compute(in, evict)
	}
	plan.Moved, plan.NotEPLB = moved, notEPLB
	return plan
}

// compute makes a plan in one go.
func compute(in Input, evict bool) Plan {
	p := newPlacer(in)
	plan := Plan{Shards: map[moe.NodeID]moe.Shard{}, NotEPLB: p.notEPLB}
	p.keepFixed()
	p.place(evict)
	plan.Stuck = p.keepLeaving() // after all copies: it keeps what no other node has
	if in.Policy != Column && !p.hasLayout() {
		plan.Moved = p.spread(in.Moves)
	}
	plan.Missing, plan.Unplaced = p.missing()
	plan.Evicts = p.reservations()
	if in.Policy == Column {
		for _, home := range p.homes {
			plan.Shards[home] = nil
		}
	}
	shards := p.shards()
	for i, n := range p.nodes {
		if n.Mode != Draining || len(shards[i]) > 0 {
			plan.Shards[n.ID] = shards[i]
		}
	}
	return plan
}
