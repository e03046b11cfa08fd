package coordinator

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/coordinator/planner"
	"github.com/hachi-serve/hachi/moe"
	"github.com/hachi-serve/hachi/moe/moepb"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// rules are the fixed parameters of a state.
type rules struct {
	policy   planner.Policy
	replicas int
	expect   int           // nodes to wait for before the first target
	ttl      time.Duration // of node records
	patience time.Duration // longest wait for expect
}

// state is what a leading coordinator knows. It is pure: events and the time
// go in, writes come out.
type state struct {
	rules     rules
	led       time.Time // when leadership began
	nodes     map[moe.NodeID]*member
	routers   []*hachiv1.RouterRecord
	drains    map[moe.NodeID]bool
	target    moe.Target
	hasTarget bool
	placement *moe.Placement
	alive     func(moe.NodeID) bool // what gossip says
	degraded  string
}

// adopt takes what is written in etcd.
func (s *state) adopt(target moe.Target, known bool, placement *moe.Placement) {
	s.target, s.hasTarget, s.placement = target, known, placement
}

// observeDrains takes the requests that are in etcd now.
func (s *state) observeDrains(ids []moe.NodeID) {
	clear(s.drains)
	for _, id := range ids {
		s.drains[id] = true
	}
}

// member is a node as last reported.
type member struct {
	record   *hachiv1.NodeRecord
	resident moe.Shard
	present  bool      // its record is in etcd
	missing  time.Time // since when it is not
}

// writes are what the state wants written, target first.
type writes struct {
	target    *moe.Target
	placement *moe.Placement
}

func newState(r rules, now time.Time, alive func(moe.NodeID) bool) *state {
	return &state{rules: r, led: now, nodes: map[moe.NodeID]*member{}, drains: map[moe.NodeID]bool{}, alive: alive}
}

// observeNodes takes the records that are in etcd now.
func (s *state) observeNodes(records []*hachiv1.NodeRecord, now time.Time) {
	seen := map[moe.NodeID]bool{}
	for _, r := range records {
		id := moe.NodeID(r.GetNodeId())
		shard, err := moepb.ShardFromProto(r.GetResident())
		if err != nil {
			continue
		}
		seen[id] = true
		s.nodes[id] = &member{record: r, resident: shard, present: true}
	}
	for id, m := range s.nodes {
		if !seen[id] && m.present {
			m.present, m.missing = false, now
		}
	}
}

// live decides which nodes count, at a time.
func (s *state) live(now time.Time) map[moe.NodeID]*member {
	out, lost := map[moe.NodeID]*member{}, 0
	grace := now.Before(s.led.Add(2 * s.rules.ttl))
	for id, m := range s.nodes {
		switch {
		case m.present, grace:
			out[id] = m
		default:
			lost++
		}
	}
	if lost*2 <= len(s.nodes) {
		return out
	}
	// Most of them at once: more likely etcd's fault than theirs.
	for id, m := range s.nodes {
		if !m.present && s.alive(id) {
			out[id] = m
		}
	}
	return out
}

// leaving reports that a member should be given no work.
func (s *state) leaving(id moe.NodeID, m *member) bool {
	return m.record.GetDraining() || s.drains[id]
}

// decide returns what should be written now.
func (s *state) decide(now time.Time) writes {
	live := s.live(now)
	shape := s.shape(live)
	if shape == nil || s.forming(live, now) {
		return writes{}
	}
	next := s.epoch(live) + 1
	target := s.plan(live, shape, next)
	var w writes
	if !s.hasTarget || !maps.EqualFunc(target.Shards, s.target.Shards, slices.Equal) {
		w.target = &target
	} else {
		target = s.target
	}
	w.placement = s.publishable(live, shape, target, next)
	return w
}

// forming reports that the cluster is still gathering: nothing was ever
// placed, and fewer nodes than expected are there. After an election the nodes
// of an existing placement get time to be seen.
func (s *state) forming(live map[moe.NodeID]*member, now time.Time) bool {
	if s.placement != nil {
		for _, n := range s.placement.Nodes() {
			if s.nodes[n.Node] == nil && now.Before(s.led.Add(2*s.rules.ttl)) {
				return true
			}
		}
		return false
	}
	return len(live) < s.rules.expect && now.Before(s.led.Add(s.rules.patience))
}

// shape is the record that says what model the cluster serves: the first of
// the most common fingerprint.
func (s *state) shape(live map[moe.NodeID]*member) *hachiv1.NodeRecord {
	if s.placement != nil {
		for _, id := range slices.SortedFunc(maps.Keys(live), planner.Natural) {
			if r := live[id].record; r.GetFingerprint() == string(s.placement.Fingerprint()) {
				return r
			}
		}
	}
	count := map[string]int{}
	var best *hachiv1.NodeRecord
	for _, id := range slices.SortedFunc(maps.Keys(live), planner.Natural) {
		r := live[id].record
		count[r.GetFingerprint()]++
		if best == nil || count[r.GetFingerprint()] > count[best.GetFingerprint()] {
			best = r
		}
	}
	return best
}

// epoch is the highest epoch anyone has heard of.
func (s *state) epoch(live map[moe.NodeID]*member) moe.Epoch {
	highest := s.target.Epoch
	if s.placement != nil {
		highest = max(highest, s.placement.Epoch())
	}
	for _, m := range live {
		highest = max(highest, moe.Epoch(m.record.GetEpoch()))
	}
	for _, r := range s.routers {
		highest = max(highest, moe.Epoch(r.GetAckedEpoch()))
	}
	return highest
}

// plan computes the target the policy asks for.
func (s *state) plan(live map[moe.NodeID]*member, shape *hachiv1.NodeRecord, epoch moe.Epoch) moe.Target {
	in := planner.Input{
		Policy: s.rules.policy, Replicas: s.rules.replicas,
		Layers: int(shape.GetLayers()), Experts: int(shape.GetExperts()),
	}
	other := 0
	for id, m := range s.nodes {
		if m.record.GetFingerprint() != shape.GetFingerprint() {
			other++
			continue
		}
		in.Homes = append(in.Homes, id)
		if live[id] == nil || s.leaving(id, m) {
			continue
		}
		in.Nodes = append(in.Nodes, planner.Node{ID: id, Capacity: capacity(m.record), Resident: m.resident})
	}
	if in.Policy == planner.Balanced {
		in.Load = s.load(in.Layers * in.Experts)
	}
	plan := planner.Compute(in)
	s.degraded = plan.Describe()
	if other > 0 {
		s.degraded += fmt.Sprintf(" %d nodes serve another model or other numerics and are left out", other)
	}
	return moe.Target{Epoch: epoch, Shards: plan.Shards}
}

// load is nothing until a target exists, and then what it was made with: a
// target follows the nodes, and load alone does not move experts yet.
func (s *state) load(n int) []uint64 {
	if s.hasTarget {
		return nil
	}
	total := make([]uint64, n)
	for _, r := range s.routers {
		for i, rows := range r.GetRowsSent() {
			if i < n {
				total[i] += rows
			}
		}
	}
	return total
}

func capacity(r *hachiv1.NodeRecord) int {
	if r.GetCapacityBytes() == 0 || r.GetExpertBytes() == 0 {
		return -1
	}
	return int(r.GetCapacityBytes() / r.GetExpertBytes())
}

// publishable builds the next placement: every expert on the live nodes that
// hold it, those of the target first. Nil when nothing would change or an
// expert has no replica.
func (s *state) publishable(live map[moe.NodeID]*member, shape *hachiv1.NodeRecord, target moe.Target, epoch moe.Epoch) *moe.Placement {
	layers, experts := int(shape.GetLayers()), int(shape.GetExperts())
	ids := slices.SortedFunc(maps.Keys(live), planner.Natural)
	table := make([][]moe.Replica, layers*experts)
	for layer := range layers {
		for expert := range experts {
			id := moe.ExpertID{Layer: layer, Expert: expert}
			list := s.replicas(id, ids, live, shape, target)
			if len(list) == 0 {
				return nil
			}
			table[layer*experts+expert] = list
		}
	}
	p, err := moe.NewPlacement(epoch, moe.Fingerprint(shape.GetFingerprint()), layers, experts, table)
	if err != nil || s.same(p) {
		return nil
	}
	return p
}

// replicas lists the holders of an expert that the target wants there, rotated
// so that load spreads; if there are none yet, any live holder.
func (s *state) replicas(id moe.ExpertID, ids []moe.NodeID, live map[moe.NodeID]*member, shape *hachiv1.NodeRecord, target moe.Target) []moe.Replica {
	var wanted, others []moe.Replica
	for i := range ids {
		node := ids[(i+id.Expert)%len(ids)]
		m := live[node]
		if m.record.GetFingerprint() != shape.GetFingerprint() || !m.resident.Has(id) {
			continue
		}
		r := moe.Replica{Node: node, Addr: m.record.GetAddr()}
		if target.Shards[node].Has(id) {
			wanted = append(wanted, r)
		} else {
			others = append(others, r)
		}
	}
	if len(wanted) > 0 {
		return wanted
	}
	return others
}

// same reports that a placement says what the published one says.
func (s *state) same(p *moe.Placement) bool {
	old := s.placement
	if old == nil || old.Fingerprint() != p.Fingerprint() || old.Layers() != p.Layers() || old.Experts() != p.Experts() {
		return false
	}
	for layer := range p.Layers() {
		for expert := range p.Experts() {
			id := moe.ExpertID{Layer: layer, Expert: expert}
			if !slices.Equal(old.Replicas(id), p.Replicas(id)) {
				return false
			}
		}
	}
	return true
}
