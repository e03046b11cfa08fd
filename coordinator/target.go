package coordinator

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// plan computes the target that the policy asks for. It depends only on the state
// and the time, so that a second computation gives the same target.
func (s *state) plan(roster map[moe.NodeID]planner.Mode, sh shape, now time.Time) moe.Target {
	in := s.input(roster, sh, now)
	plan := planner.Compute(in)
	s.evicts = plan.Evicts
	copies, busy := in.Topology.Experts()*in.Replicas, s.busy.busy()
	s.demand.observe(len(in.Nodes), needed(in.Nodes, busy, utilizationTarget, copies, in.Replicas), needed(in.Nodes, busy, utilizationFloor, copies, in.Replicas), now)
	s.explain(in, plan)
	return moe.Target{Epoch: s.nextTarget(), Shards: plan.Shards}
}

// input is what a plan depends on.
func (s *state) input(roster map[moe.NodeID]planner.Mode, sh shape, now time.Time) planner.Input {
	in := planner.Input{
		Policy: s.rules.policy, Replicas: s.rules.replicas, Redundant: s.rules.redundant, Topology: sh.topology,
		Nodes: s.nodes(roster, sh), Homes: s.settleHomes(roster, sh, now),
	}
	if in.Policy != planner.Column {
		s.weigh(&in, now)
		in.Moves = s.moves(in, now)
	}
	return in
}

// nextTarget is an epoch above that of every target that a node reports to
// follow: a lower one would be ignored. It is above every placement's epoch too,
// so that targets and placements share one order.
func (s *state) nextTarget() moe.Epoch {
	highest := max(s.next()-1, s.target.Epoch, s.targetFloor)
	for _, m := range s.members {
		highest = max(highest, moe.Epoch(m.record.GetTargetEpoch()))
	}
	return highest + 1
}

// nodes are the members that serve the model, as the planner sees them.
func (s *state) nodes(roster map[moe.NodeID]planner.Mode, sh shape) []planner.Node {
	var out []planner.Node
	var others []moe.NodeID
	for _, id := range slices.SortedFunc(maps.Keys(roster), planner.Natural) {
		if !s.belongs(id, sh.fingerprint) {
			others = append(others, id)
			continue
		}
		m := s.members[id]
		_, known := s.target.Shards[id]
		out = append(out, planner.Node{
			ID: id, Mode: roster[id], Joined: !known, Capacity: capacity(m.record), Assigned: s.target.Shards[id], Resident: m.resident,
			Zone: m.record.GetZone(), Backend: m.record.GetBackend(), Speed: planner.Speed{Expert: m.record.GetExpertSeconds(), Row: m.record.GetRowSeconds()},
		})
	}
	if len(others) > 0 {
		s.note("%s: another model or other numerics than the cluster serves, left out", joinIDs(others))
	}
	return out
}

// capacity is how many experts a node has memory for:
// floor(capacity bytes / expert bytes); -1 is no limit.
func capacity(r *hachiv1.NodeRecord) int {
	if r.GetCapacityBytes() == 0 || r.GetExpertBytes() == 0 {
		return -1
	}
	return int(r.GetCapacityBytes() / r.GetExpertBytes())
}

// settleHomes updates and lists the homes of a column plan: every present node,
// and those that were present less than rules.forget ago. A column plan depends
// on the list, so that a short absence must not shift it.
func (s *state) settleHomes(roster map[moe.NodeID]planner.Mode, sh shape, now time.Time) []moe.NodeID {
	if s.rules.policy != planner.Column {
		return nil
	}
	for id := range roster {
		if s.belongs(id, sh.fingerprint) {
			s.homes[id] = now
		}
	}
	maps.DeleteFunc(s.homes, func(_ moe.NodeID, last time.Time) bool { return now.Sub(last) > s.rules.forget })
	homes := slices.SortedFunc(maps.Keys(s.homes), planner.Natural)
	var away []moe.NodeID
	for _, id := range homes {
		if _, there := roster[id]; !there {
			away = append(away, id)
		}
	}
	if len(away) > 0 {
		s.note("absent, their experts are placed on the other nodes: %s", joinIDs(away))
	}
	return homes
}

// weigh gives a plan the measured load, if every layer had enough rows to tell
// busy experts from chance, and observes how evenly the load is spread.
func (s *state) weigh(in *planner.Input, now time.Time) {
	rows, _ := s.meter.rows(now)
	layers := perLayer(rows, *in)
	if minMeasured(layers, in.Topology) >= s.rules.balance.rows {
		in.Load = rows
		in.StepRows = stepRows(layers, s.meter.steps(now))
	}
	s.balancer.observe(planner.Imbalance(*in), layers, now)
}

// stepRows is how many rows a layer with experts has in a step on average; 0 when
// no step was counted.
func stepRows(layers []float64, steps float64) float64 {
	sum, n := 0.0, 0.0
	for _, rows := range layers {
		if rows > 0 {
			sum, n = sum+rows, n+1
		}
	}
	if steps == 0 || n == 0 {
		return 0
	}
	return sum / n / steps
}

// minMeasured is the number of rows of the layer with the fewest; a dense layer
// gets none and does not count.
func minMeasured(layers []float64, t moe.Topology) float64 {
	fewest := math.Inf(1)
	for layer, rows := range layers {
		if t.In(layer) > 0 {
			fewest = min(fewest, rows)
		}
	}
	return fewest
}

// perLayer sums the rows of each layer; all are 0 until rows of this model are
// measured.
func perLayer(rows []float64, in planner.Input) []float64 {
	out := make([]float64, in.Topology.Layers())
	if len(rows) != in.Topology.Experts() {
		return out
	}
	for i, id := range in.Topology.All() {
		out[id.Layer] += rows[i]
	}
	return out
}

// moves bounds what a plan by load may move: without bound when a node joined,
// so that it gets its share at once; a few copies of layers out of balance when
// the cluster is at rest; nothing otherwise, because experts that are loading
// are not served by both nodes yet.
func (s *state) moves(in planner.Input, now time.Time) planner.Moves {
	joined, resting := false, true
	for _, n := range in.Nodes {
		joined = joined || (n.Mode == planner.Schedulable && n.Joined)
		empty := n.Mode == planner.Draining && len(n.Assigned) == 0
		resting = resting && (empty || (n.Mode == planner.Schedulable && len(n.Assigned.Minus(n.Resident)) == 0))
	}
	switch {
	case joined && s.hasTarget:
		return planner.Moves{Max: -1}
	case !resting || len(in.Load) == 0:
		return planner.Moves{}
	}
	layers := s.balancer.due(s.changed, now)
	if len(layers) == 0 {
		return planner.Moves{}
	}
	m := planner.Moves{
		Max:    s.balancer.maxMoves(in.Topology.Experts() * in.Replicas),
		Layers: layers, Gain: s.rules.balance.gain,
		LoadSeconds: s.loadSeconds(in.Nodes), Horizon: s.rules.balance.horizon.Seconds(),
	}
	if _, covered := s.meter.rows(now); covered > 0 {
		m.StepsPerSecond = s.meter.steps(now) / covered.Seconds()
	}
	return m
}

// loadSeconds is how long the slowest node needs to load an expert, as far as nodes
// have measured it; 0 if none has.
func (s *state) loadSeconds(nodes []planner.Node) float64 {
	slowest := 0.0
	for _, n := range nodes {
		r := s.members[n.ID].record
		if rate := r.GetLoadBytesPerSecond(); rate > 0 && n.Mode == planner.Schedulable {
			slowest = max(slowest, float64(r.GetExpertBytes())/rate)
		}
	}
	return slowest
}

// explain notes how a plan falls short of the policy. Only the gravest of the
// first three is noted: an expert without a place implies missing copies.
func (s *state) explain(in planner.Input, plan planner.Plan) {
	usable := 0
	for _, n := range in.Nodes {
		if n.Mode != planner.Draining {
			usable++
		}
	}
	switch {
	case plan.Evicts > 0:
		s.note("no room for %d experts whose nodes are gone: copies of other experts are dropped first", plan.Evicts)
	case len(plan.Unplaced) > 0:
		s.note("%d of %d experts have no place, first %v: the nodes' capacity is too small",
			len(plan.Unplaced), in.Topology.Experts(), plan.Unplaced[0])
	case usable < in.Replicas:
		s.note("%d replicas of each expert are configured, only %d nodes can hold them", in.Replicas, usable)
	case plan.Missing > 0:
		s.note("%d of %d replicas have no place: the nodes' capacity is too small",
			plan.Missing, in.Topology.Experts()*in.Replicas)
	}
	if plan.NotEPLB != "" {
		s.note("the policy eplb does not apply (%s): experts are placed as by balanced", plan.NotEPLB)
	}
	if len(plan.Stuck) > 0 {
		s.note("%s cannot be emptied: its experts have no other place", joinIDs(plan.Stuck))
	}
}
