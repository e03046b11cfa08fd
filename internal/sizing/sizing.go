package sizing

import (
	"context"
	"fmt"
	"slices"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/moe"
)

// Model is what the size of a cluster depends on.
type Model struct {
	Name        string
	Topology    moe.Topology
	TopK        int   // experts of a token
	ExpertBytes int64 // of one expert
}

// Node is a machine for experts.
type Node struct {
	Name      string
	Memory    int64 // bytes for weights of experts
	Bandwidth int64 // bytes/s that the machine reads memory with; 0 is not known
	// Rows is how many rows of an expert it computes per second, when weights cost
	// nothing; 0 does not bound the speed.
	Rows float64
	Zone string
}

// Request is a question.
type Request struct {
	Model     Model
	Nodes     []Node
	Policy    planner.Policy
	Replicas  int
	Redundant int
	Batches   []int // tokens that are decoded together
}

// Report is the answer.
type Report struct {
	Model       string `json:"model"`
	Experts     int    `json:"experts"`
	ExpertBytes int64  `json:"expert_bytes"`
	Policy      string `json:"policy"`
	Replicas    int    `json:"replicas"`
	// Fits reports that every expert has a place; Complete, every replica too.
	Fits     bool `json:"fits"`
	Complete bool `json:"complete"`
	// NeededBytes are of all replicas, RoomBytes of whole experts on the nodes.
	NeededBytes int64        `json:"needed_bytes"`
	RoomBytes   int64        `json:"room_bytes"`
	Nodes       []NodeReport `json:"nodes"`
	// Speeds are empty where the bandwidth of a node is not known.
	Speeds []Speed  `json:"speeds,omitempty"`
	Notes  []string `json:"notes"`
}

// NodeReport is what a node gets.
type NodeReport struct {
	Node     string `json:"node"`
	Zone     string `json:"zone,omitempty"`
	Experts  int    `json:"experts"`
	Capacity int    `json:"capacity"` // experts
	Bytes    int64  `json:"bytes"`
	// Survives reports that every expert keeps a copy, or finds a place, when this
	// node dies.
	Survives bool `json:"survives"`
}

// Speed is a bound for one batch.
type Speed struct {
	Batch           int     `json:"batch"`
	StepSeconds     float64 `json:"step_seconds"`
	TokensPerSecond float64 `json:"tokens_per_second"`
	Busiest         string  `json:"busiest"` // the node that the slowest layer waits for
}

// Compute answers a question. The error is that of ctx.
func Compute(ctx context.Context, r Request) (Report, error) {
	in := r.input()
	in.Ended = func() bool { return ctx.Err() != nil }
	plan := planner.Compute(in)
	copies := copiesOf(plan)
	out := Report{
		Model: r.Model.Name, Experts: in.Topology.Experts(), ExpertBytes: r.Model.ExpertBytes, Policy: string(r.Policy), Replicas: r.Replicas,
		Fits: len(plan.Unplaced) == 0, Complete: plan.Missing == 0, Notes: []string{},
	}
	out.NeededBytes = int64(in.Topology.Experts()*r.Replicas) * r.Model.ExpertBytes
	for i, n := range in.Nodes {
		out.RoomBytes += int64(n.Capacity) * r.Model.ExpertBytes
		shard := plan.Shards[n.ID]
		out.Nodes = append(out.Nodes, NodeReport{
			Node: string(n.ID), Zone: n.Zone, Experts: len(shard), Capacity: n.Capacity, Bytes: int64(len(shard)) * r.Model.ExpertBytes,
			Survives: alsoElsewhere(shard, copies) || survives(in, plan, i),
		})
		if ctx.Err() != nil {
			return Report{}, ctx.Err()
		}
	}
	out.Notes = notes(in, plan)
	if !out.Fits || slices.ContainsFunc(r.Nodes, func(n Node) bool { return n.Bandwidth == 0 }) {
		return out, nil
	}
	placed := planner.Assign(in, plan)
	for _, batch := range r.Batches {
		placed.StepRows = float64(batch * r.Model.TopK)
		out.Speeds = append(out.Speeds, bound(placed, batch))
	}
	return out, nil
}

// input is the question as a planner has it. It plans for the first batch.
func (r Request) input() planner.Input {
	in := planner.Input{Policy: r.Policy, Topology: r.Model.Topology, Replicas: r.Replicas, Redundant: r.Redundant}
	if len(r.Batches) > 0 {
		in.StepRows = float64(r.Batches[0] * r.Model.TopK)
	}
	for _, n := range r.Nodes {
		node := planner.Node{ID: moe.NodeID(n.Name), Capacity: int(n.Memory / r.Model.ExpertBytes), Zone: n.Zone}
		if n.Bandwidth > 0 {
			node.Speed.Expert = float64(r.Model.ExpertBytes) / float64(n.Bandwidth)
		}
		if n.Rows > 0 {
			node.Speed.Row = 1 / n.Rows
		}
		in.Nodes = append(in.Nodes, node)
	}
	return in
}

// copiesOf counts the copies of each expert in a plan.
func copiesOf(plan planner.Plan) map[moe.ExpertID]int {
	copies := map[moe.ExpertID]int{}
	for _, shard := range plan.Shards {
		for _, id := range shard {
			copies[id]++
		}
	}
	return copies
}

// alsoElsewhere reports that every expert of a shard has a further copy. Then nothing is
// planned to know that its node can die: a plan for each of thousands of nodes takes minutes.
func alsoElsewhere(shard moe.Shard, copies map[moe.ExpertID]int) bool {
	return !slices.ContainsFunc(shard, func(id moe.ExpertID) bool { return copies[id] < 2 })
}

// survives reports that a cluster in service finds a place for every expert without
// one of its nodes.
func survives(in planner.Input, plan planner.Plan, node int) bool {
	left := planner.Assign(in, plan)
	for i, n := range left.Nodes {
		left.Nodes[i].Resident = n.Assigned
	}
	left.Nodes = slices.Delete(left.Nodes, node, node+1)
	after := planner.Compute(left)
	return len(after.Unplaced) == after.Evicts // evictions make room for the others
}

func notes(in planner.Input, plan planner.Plan) []string {
	out := []string{}
	switch {
	case len(plan.Unplaced) > 0:
		out = append(out, fmt.Sprintf("%d of %d experts have no place: add memory or nodes", len(plan.Unplaced), in.Topology.Experts()))
	case len(in.Nodes) < in.Replicas:
		out = append(out, fmt.Sprintf("%d replicas need %d nodes: no node holds two copies of an expert", in.Replicas, in.Replicas))
	case plan.Missing > 0:
		out = append(out, fmt.Sprintf("%d of %d replicas have no place: the death of a node pauses streams that need these experts", plan.Missing, in.Topology.Experts()*in.Replicas))
	}
	if plan.NotEPLB != "" {
		out = append(out, fmt.Sprintf("the policy eplb does not apply: %s; placed as by balanced", plan.NotEPLB))
	}
	return out
}

// bound is the speed when nothing but the experts takes time.
func bound(in planner.Input, batch int) Speed {
	layers := planner.Score(in)
	s := Speed{Batch: batch, StepSeconds: planner.StepSeconds(layers)}
	slowest := 0.0
	for _, l := range layers {
		if l.Seconds > slowest {
			slowest, s.Busiest = l.Seconds, string(l.Busiest)
		}
	}
	if s.StepSeconds > 0 {
		s.TokensPerSecond = float64(batch) / s.StepSeconds
	}
	return s
}
