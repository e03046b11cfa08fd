package coordinator

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// member is a node as last reported.
type member struct {
	record          *hachiv1.NodeRecord
	resident        moe.Shard
	present         bool      // its record is in etcd
	missing         time.Time // since when it is not
	suspendEviction bool      // it went missing together with most others
	seeded          bool      // it has not reported in this term: target or placement name it
}

// seed adds the nodes that target and placement name as missing members: a new
// leader has seen no records, and must not take their absence for a loss. How
// long a home has been away is not in etcd: the forget time of each begins again
// with the term.
func (s *state) seed(now time.Time) {
	for id, shard := range s.target.Shards {
		if s.rules.policy == planner.Column {
			s.homes[id] = now
		}
		if len(shard) > 0 {
			s.members[id] = &member{record: &hachiv1.NodeRecord{NodeId: string(id)}, missing: now, seeded: true}
		}
	}
	if s.placement == nil {
		return
	}
	shards := placed(s.placement)
	for _, n := range s.placement.Nodes() {
		record := &hachiv1.NodeRecord{
			NodeId: string(n.Node), Addr: n.Addr, Fingerprint: string(s.placement.Fingerprint()),
			ExpertsPerLayer: moepb.TopologyToProto(s.placement.Topology()),
		}
		s.members[n.Node] = &member{record: record, resident: shards[n.Node], missing: now, seeded: true}
	}
}

// placed are the experts for which a placement names each node.
func placed(p *moe.Placement) map[moe.NodeID]moe.Shard {
	out := map[moe.NodeID]moe.Shard{}
	for _, id := range p.Topology().All() {
		for _, r := range p.Replicas(id) {
			out[r.Node] = append(out[r.Node], id)
		}
	}
	return out
}

// observeNodes takes the records that are in etcd now. A new connection means
// that etcd was unreachable, and leases may have ended because no node could
// renew them: the grace period starts again. A member that reports gets a new
// entry, which clears missing, suspendEviction and seeded.
func (s *state) observeNodes(records []*hachiv1.NodeRecord, connection uint64, now time.Time) {
	if connection != s.connection {
		s.connection, s.connected = connection, now
	}
	s.busy.observe(records, now)
	seen := map[moe.NodeID]bool{}
	for _, r := range records {
		id := moe.NodeID(r.GetNodeId())
		shard, err := moepb.ShardFromProto(r.GetResident())
		if err != nil {
			shard = nil // a damaged record proves no resident expert
		}
		seen[id] = true
		s.members[id] = &member{record: r, resident: shard, present: true}
	}
	for id, m := range s.members {
		if !seen[id] && m.present {
			m.present, m.missing = false, now
		}
	}
}

// memberState is where a member stands; doc.go draws the transitions.
type memberState int

const (
	memberServing  memberState = iota // its record is in etcd
	memberDraining                    // its record is in etcd, and it should be emptied
	memberUnseen                      // no record yet since this coordinator reached etcd
	memberHeard                       // no record, but gossip hears it
	memberLost                        // no record, and nothing speaks for it
)

// classify says where a member stands. It changes nothing. A member without a
// record is lost from
//
//	connected + 2 x ttl                        when gossip does not hear it,
//	max(connected + 2 x ttl, missing + ttl)    when gossip hears it.
//
// A suspended eviction changes both: a member that gossip hears is not lost, and
// a seeded one is not lost before led + patience. A member that had announced
// that it leaves is lost at once.
func (s *state) classify(id moe.NodeID, now time.Time) memberState {
	m := s.members[id]
	switch {
	case m.present && s.isDraining(id):
		return memberDraining
	case m.present:
		return memberServing
	case m.record.GetDraining():
		return memberLost // it had announced that it leaves
	case s.inGrace(now), m.seeded && m.suspendEviction && now.Before(s.led.Add(s.rules.patience)):
		return memberUnseen
	case s.alive(id) && (m.suspendEviction || now.Before(m.missing.Add(s.rules.ttl))):
		return memberHeard
	default:
		return memberLost
	}
}

// evict forgets the members that are lost. It must run before roster, which
// takes the others as they are. Marks come first, and all of them before any
// eviction: each eviction lowers the number that more than half is taken of.
func (s *state) evict(now time.Time) {
	s.suspendOnMassLoss()
	for id := range s.members {
		if s.classify(id, now) == memberLost {
			delete(s.members, id)
		}
	}
}

// roster maps the members that count now to what a planner may do with them. A
// missing one is pinned: it keeps its experts and gets no others.
func (s *state) roster(now time.Time) map[moe.NodeID]planner.Mode {
	out := map[moe.NodeID]planner.Mode{}
	for id := range s.members {
		switch s.classify(id, now) {
		case memberServing:
			out[id] = planner.Schedulable
		case memberDraining:
			out[id] = planner.Draining
		case memberUnseen, memberHeard:
			out[id] = planner.Pinned
		}
	}
	return out
}

// noteMissing notes the members that are waited for.
func (s *state) noteMissing(now time.Time) {
	missing := map[memberState][]moe.NodeID{}
	for _, id := range s.ids() {
		at := s.classify(id, now)
		missing[at] = append(missing[at], id)
	}
	if ids := missing[memberUnseen]; len(ids) > 0 {
		s.note("not reported since this coordinator reached etcd: %s", joinIDs(ids))
	}
	if ids := missing[memberHeard]; len(ids) > 0 {
		s.note("without a record, but heard by gossip: %s", joinIDs(ids))
	}
}

// inGrace reports that no member counts as lost yet: all leases may have ended
// while etcd was away, and it takes each node up to one TTL to register again.
func (s *state) inGrace(now time.Time) bool { return now.Before(s.connected.Add(2 * s.rules.ttl)) }

// suspendOnMassLoss suspends the eviction of the missing members when they are
// more than half of those that hold or should hold experts: etcd's fault is then
// more likely than theirs, or a whole cluster is starting. Moving most experts at
// once would also take longer than waiting. Leases of nodes that were cut off
// together end within one TTL of each other; for that long a member that gossip
// hears is waited for in any case. The mark stays until the member reports: the
// first nodes that come back must not make the rest look lost.
func (s *state) suspendOnMassLoss() {
	var missing []*member
	relevant := 0
	for id, m := range s.members {
		if len(s.target.Shards[id]) == 0 && len(m.resident) == 0 {
			continue
		}
		relevant++
		if !m.present && !m.record.GetDraining() {
			missing = append(missing, m)
		}
	}
	for _, m := range missing {
		m.suspendEviction = m.suspendEviction || 2*len(missing) > relevant
	}
}

// isDraining reports that a member should be emptied: it announces that it
// leaves, or an operator asked for it. A request names one run of the node by its
// start, so that a node that starts again serves.
func (s *state) isDraining(id moe.NodeID) bool {
	r := s.members[id].record
	asked, ok := s.drains[id]
	return r.GetDraining() || (ok && asked == r.GetStartedUnixNano())
}

// ids are the members in natural order.
func (s *state) ids() []moe.NodeID {
	return slices.SortedFunc(maps.Keys(s.members), planner.Natural)
}

func joinIDs(ids []moe.NodeID) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	return strings.Join(names, ", ")
}
