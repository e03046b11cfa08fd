package planner

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/hachi-serve/hachi/moe"
)

// Policy is how experts are placed.
type Policy string

const (
	Column   Policy = "column"
	Balanced Policy = "balanced"
)

// Node is a node that can hold experts.
type Node struct {
	ID       moe.NodeID
	Capacity int // experts; negative is no limit
	Resident moe.Shard
}

// Input is everything a plan depends on.
type Input struct {
	Policy   Policy
	Layers   int
	Experts  int
	Replicas int
	// Nodes that may hold experts now.
	Nodes []Node
	// Homes are the ids of all nodes a column plan counts, present or not: a
	// node that is away keeps its place. When empty, the nodes themselves.
	Homes []moe.NodeID
	// Load is rows per expert, [layers*experts]; nil counts all alike.
	Load []uint64
}

// Plan is a target and what is wrong with it.
type Plan struct {
	Shards map[moe.NodeID]moe.Shard
	// Missing counts copies that found no place.
	Missing int
	// Unplaced lists experts without any place.
	Unplaced []moe.ExpertID
}

// Compute makes a plan.
func Compute(in Input) Plan {
	p := newPlacer(in)
	if len(in.Nodes) == 0 {
		return Plan{Shards: map[moe.NodeID]moe.Shard{}, Missing: in.Layers * in.Experts}
	}
	for copyNo := range min(in.Replicas, len(in.Nodes)) {
		for layer := range in.Layers {
			for _, expert := range p.order(layer, copyNo) {
				p.place(moe.ExpertID{Layer: layer, Expert: expert}, copyNo)
			}
		}
	}
	plan := Plan{Shards: map[moe.NodeID]moe.Shard{}, Missing: p.missing, Unplaced: p.unplaced}
	for i, n := range p.nodes {
		plan.Shards[n.ID] = moe.NewShard(p.held[i])
	}
	return plan
}

// Natural orders ids with numbers by value: expert-2 before expert-10.
func Natural(a, b moe.NodeID) int {
	pa, na := splitNumber(string(a))
	pb, nb := splitNumber(string(b))
	return cmp.Or(strings.Compare(pa, pb), cmp.Compare(na, nb), strings.Compare(string(a), string(b)))
}

func splitNumber(id string) (prefix string, number int) {
	prefix = strings.TrimRight(id, "0123456789")
	number, err := strconv.Atoi(id[len(prefix):])
	if err != nil {
		return id, -1
	}
	return prefix, number
}

// placer is a plan in the making.
type placer struct {
	in       Input
	nodes    []Node
	homes    []moe.NodeID
	held     [][]moe.ExpertID
	has      []map[moe.ExpertID]bool
	layer    []float64 // load of the current layer, per node
	total    []float64 // load of all layers, per node
	current  int       // layer that the field layer counts
	missing  int
	unplaced []moe.ExpertID
}

func newPlacer(in Input) *placer {
	p := &placer{in: in, nodes: slices.Clone(in.Nodes), homes: slices.Clone(in.Homes), current: -1}
	slices.SortFunc(p.nodes, func(a, b Node) int { return Natural(a.ID, b.ID) })
	if len(p.homes) == 0 {
		for _, n := range p.nodes {
			p.homes = append(p.homes, n.ID)
		}
	}
	slices.SortFunc(p.homes, Natural)
	p.held, p.has = make([][]moe.ExpertID, len(p.nodes)), make([]map[moe.ExpertID]bool, len(p.nodes))
	for i := range p.has {
		p.has[i] = map[moe.ExpertID]bool{}
	}
	p.layer, p.total = make([]float64, len(p.nodes)), make([]float64, len(p.nodes))
	return p
}

// order lists the experts of a layer in the order in which they choose.
func (p *placer) order(layer, copyNo int) []int {
	experts := make([]int, p.in.Experts)
	for i := range experts {
		experts[i] = i
	}
	if p.in.Policy == Column {
		// Experts whose home is away choose last, when the rest is settled.
		slices.SortStableFunc(experts, func(a, b int) int {
			return cmp.Compare(p.away(a, copyNo), p.away(b, copyNo))
		})
	}
	if p.in.Policy == Balanced {
		slices.SortStableFunc(experts, func(a, b int) int {
			return cmp.Compare(p.load(moe.ExpertID{Layer: layer, Expert: b}), p.load(moe.ExpertID{Layer: layer, Expert: a}))
		})
	}
	return experts
}

// home is the node a column plan puts a copy on.
func (p *placer) home(expert, copyNo int) moe.NodeID { return p.homes[(expert+copyNo)%len(p.homes)] }

func (p *placer) away(expert, copyNo int) int {
	if slices.ContainsFunc(p.nodes, func(n Node) bool { return n.ID == p.home(expert, copyNo) }) {
		return 0
	}
	return 1
}

// load is one replica's share of an expert's rows.
func (p *placer) load(id moe.ExpertID) float64 {
	i := id.Layer*p.in.Experts + id.Expert
	if i >= len(p.in.Load) {
		return 1
	}
	return float64(p.in.Load[i]+1) / float64(max(1, p.in.Replicas))
}

// place gives an expert its next copy.
func (p *placer) place(id moe.ExpertID, copyNo int) {
	if id.Layer != p.current {
		clear(p.layer)
		for i := range p.nodes {
			for _, held := range p.held[i] {
				if held.Layer == id.Layer {
					p.layer[i] += p.load(held)
				}
			}
		}
		p.current = id.Layer
	}
	best := -1
	for i := range p.nodes {
		if p.room(i) && !p.has[i][id] && (best < 0 || p.cost(i, id, copyNo) < p.cost(best, id, copyNo)) {
			best = i
		}
	}
	if best < 0 {
		p.missing++
		if copyNo == 0 {
			p.unplaced = append(p.unplaced, id)
		}
		return
	}
	p.has[best][id] = true
	p.held[best] = append(p.held[best], id)
	p.layer[best] += p.load(id)
	p.total[best] += p.load(id)
}

func (p *placer) room(i int) bool {
	return p.nodes[i].Capacity < 0 || len(p.held[i]) < p.nodes[i].Capacity
}

// cost orders nodes for a copy; the lowest is taken, the first of equals.
func (p *placer) cost(i int, id moe.ExpertID, copyNo int) float64 {
	if p.in.Policy == Column && p.nodes[i].ID == p.home(id.Expert, copyNo) {
		return math.Inf(-1)
	}
	cost := p.layer[i] + p.load(id) + p.total[i]/float64(4*p.in.Layers)
	if p.nodes[i].Resident.Has(id) {
		// Moving costs more than a little imbalance.
		cost *= 0.75
	}
	return cost
}

// Describe says what is wrong with a plan; empty when nothing is.
func (p Plan) Describe() string {
	switch {
	case len(p.Unplaced) > 0:
		return fmt.Sprintf("%d experts have no place, first %v: the nodes' capacity is too small", len(p.Unplaced), p.Unplaced[0])
	case p.Missing > 0:
		return fmt.Sprintf("%d copies have no place: the nodes' capacity is too small", p.Missing)
	}
	return ""
}
