package coordinator

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// shape says which model a placement is of.
type shape struct {
	fingerprint moe.Fingerprint
	topology    moe.Topology
}

// shape is the placement's as long as a member serves that model, else that of
// most members; a model that a router speaks goes first.
func (s *state) shape(roster map[moe.NodeID]planner.Mode) (shape, bool) {
	if p := s.placement; p != nil {
		sh := shape{p.Fingerprint(), p.Topology()}
		for id := range roster {
			if s.belongs(id, sh) {
				return sh, true
			}
		}
	}
	votes, shapes := map[string]int{}, map[string]shape{}
	for id := range roster {
		r := s.members[id].record
		t, err := moepb.TopologyFromProto(r.GetExpertsPerLayer())
		if err != nil || t.Experts() == 0 {
			continue // a damaged record votes for nothing
		}
		sh := shape{moe.Fingerprint(r.GetFingerprint()), t}
		if votes[sh.key()]++; votes[sh.key()] == 1 && s.spoken(sh.fingerprint) {
			votes[sh.key()] += len(roster)
		}
		shapes[sh.key()] = sh
	}
	best := ""
	for key, n := range votes {
		if n > votes[best] || (n == votes[best] && key < best) {
			best = key
		}
	}
	return shapes[best], len(votes) > 0
}

// key tells shapes apart, ordered by fingerprint.
func (s shape) key() string { return string(s.fingerprint) + " " + s.topology.String() }

func (s *state) spoken(fp moe.Fingerprint) bool {
	return slices.ContainsFunc(s.routers, func(r *hachiv1.RouterRecord) bool {
		return moe.Fingerprint(r.GetFingerprint()) == fp
	})
}

// belongs reports that a member serves the model. One that is only known from
// the target has not said.
func (s *state) belongs(id moe.NodeID, sh shape) bool {
	fp := moe.Fingerprint(s.members[id].record.GetFingerprint())
	return fp == sh.fingerprint || (fp == "" && !s.members[id].present)
}

// plan computes the target the policy asks for.
func (s *state) plan(roster map[moe.NodeID]planner.Mode, sh shape, now time.Time) moe.Target {
	in := planner.Input{
		Policy: s.rules.policy, Replicas: s.rules.replicas, Topology: sh.topology,
		Nodes: s.nodes(roster, sh), Homes: s.settleHomes(roster, sh, now),
	}
	if in.Policy == planner.Balanced {
		s.weigh(&in, now)
		in.Moves = s.moves(in, now)
	}
	plan := planner.Compute(in)
	s.explain(in, plan)
	return moe.Target{Epoch: s.nextTarget(), Shards: plan.Shards}
}

// nextTarget is an epoch above that of every target that a node follows.
func (s *state) nextTarget() moe.Epoch {
	highest := max(s.next()-1, s.target.Epoch)
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
		if !s.belongs(id, sh) {
			others = append(others, id)
			continue
		}
		m := s.members[id]
		out = append(out, planner.Node{
			ID: id, Mode: roster[id], Capacity: capacity(m.record), Assigned: s.target.Shards[id], Resident: m.resident,
		})
	}
	if len(others) > 0 {
		s.note("%s: another model or other numerics than the cluster serves, left out", joinIDs(others))
	}
	return out
}

func capacity(r *hachiv1.NodeRecord) int {
	if r.GetCapacityBytes() == 0 || r.GetExpertBytes() == 0 {
		return -1
	}
	return int(r.GetCapacityBytes() / r.GetExpertBytes())
}

// settleHomes keeps the homes of a column plan: every node that is there, and
// those that were there not long ago.
func (s *state) settleHomes(roster map[moe.NodeID]planner.Mode, sh shape, now time.Time) []moe.NodeID {
	if s.rules.policy != planner.Column {
		return nil
	}
	for id := range roster {
		if s.belongs(id, sh) {
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
		s.note("away, their experts are spread over the others: %s", joinIDs(away))
	}
	return homes
}

// weigh gives a plan the measured load, if that is enough to tell busy experts
// from chance, and watches how evenly it is spread.
func (s *state) weigh(in *planner.Input, now time.Time) {
	rows, _ := s.meter.rows(now)
	layers := perLayer(rows, *in)
	if minMeasured(layers, in.Topology) >= s.rules.balance.rows {
		in.Load = rows
	}
	s.balancer.observe(planner.Imbalance(*in), layers, now)
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

// moves lets a balanced plan give new nodes their share at once, and relieve
// busy nodes of a cluster at rest.
func (s *state) moves(in planner.Input, now time.Time) planner.Moves {
	joined, resting := false, true
	for _, n := range in.Nodes {
		_, known := s.target.Shards[n.ID]
		joined = joined || (n.Mode == planner.Schedulable && !known)
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
	return planner.Moves{
		Max:    s.balancer.most(in.Topology.Experts() * in.Replicas),
		Layers: layers, Gain: s.rules.balance.gain,
	}
}

// explain notes what is wrong with a plan.
func (s *state) explain(in planner.Input, plan planner.Plan) {
	usable := 0
	for _, n := range in.Nodes {
		if n.Mode != planner.Draining {
			usable++
		}
	}
	switch {
	case len(plan.Unplaced) > 0:
		s.note("%d of %d experts have no place, first %v: the nodes' capacity is too small",
			len(plan.Unplaced), in.Topology.Experts(), plan.Unplaced[0])
	case usable < in.Replicas:
		s.note("%d copies of each expert are asked for, only %d nodes can hold them", in.Replicas, usable)
	case plan.Missing > 0:
		s.note("%d of %d copies have no place: the nodes' capacity is too small",
			plan.Missing, in.Topology.Experts()*in.Replicas)
	}
	if len(plan.Stuck) > 0 {
		s.note("%s cannot be emptied: its experts have no other place", joinIDs(plan.Stuck))
	}
}
