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
	record   *hachiv1.NodeRecord
	resident moe.Shard
	present  bool      // its record is in etcd
	missing  time.Time // since when it is not
	spared   bool      // it went missing together with most others
	seeded   bool      // it never reported, but is spoken of
}

// seed remembers the nodes that target and placement speak of: until their
// records are seen they count as missing.
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
	for _, n := range s.placement.Nodes() {
		record := &hachiv1.NodeRecord{
			NodeId: string(n.Node), Addr: n.Addr, Fingerprint: string(s.placement.Fingerprint()),
			ExpertsPerLayer: moepb.TopologyToProto(s.placement.Topology()),
		}
		s.members[n.Node] = &member{record: record, resident: placed(s.placement, n.Node), missing: now, seeded: true}
	}
}

// placed is what a placement has on a node.
func placed(p *moe.Placement, node moe.NodeID) moe.Shard {
	var ids []moe.ExpertID
	for _, id := range p.Topology().All() {
		if slices.ContainsFunc(p.Replicas(id), func(r moe.Replica) bool { return r.Node == node }) {
			ids = append(ids, id)
		}
	}
	return moe.NewShard(ids)
}

// observeNodes takes the records that are in etcd now. Another connection than
// before means that leases may have ended while nobody could renew them.
func (s *state) observeNodes(records []*hachiv1.NodeRecord, connection uint64, now time.Time) {
	if connection != s.connection {
		s.connection, s.connected = connection, now
	}
	seen := map[moe.NodeID]bool{}
	for _, r := range records {
		id := moe.NodeID(r.GetNodeId())
		shard, err := moepb.ShardFromProto(r.GetResident())
		if err != nil {
			shard = nil // what it holds is unknown: as good as nothing
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

// roster says which members count now and what may be done with them; it
// forgets those that are lost.
func (s *state) roster(now time.Time) map[moe.NodeID]planner.Mode {
	out := map[moe.NodeID]planner.Mode{}
	var unseen, heard []moe.NodeID
	s.spareMass()
	for _, id := range s.ids() {
		switch m := s.members[id]; {
		case m.present && s.leaving(id):
			out[id] = planner.Draining
		case m.present:
			out[id] = planner.Schedulable
		case m.record.GetDraining():
			delete(s.members, id) // it said goodbye
		case s.grace(now), m.seeded && m.spared && now.Before(s.led.Add(s.rules.patience)):
			out[id] = planner.Pinned
			unseen = append(unseen, id)
		case s.alive(id) && (m.spared || now.Before(m.missing.Add(s.rules.ttl))):
			out[id] = planner.Pinned
			heard = append(heard, id)
		default:
			delete(s.members, id)
		}
	}
	if len(unseen) > 0 {
		s.note("not reported since this coordinator reached etcd: %s", joinIDs(unseen))
	}
	if len(heard) > 0 {
		s.note("without a record, but heard by gossip: %s", joinIDs(heard))
	}
	return out
}

// grace is the time in which no node counts as lost: their leases may have
// ended together with etcd.
func (s *state) grace(now time.Time) bool { return now.Before(s.connected.Add(2 * s.rules.ttl)) }

// spareMass spares the missing when they are most of those that matter: more
// likely etcd's fault than theirs, or a whole cluster that is starting. Leases
// of nodes cut off together end within one TTL, for which a node that gossip
// hears is waited for anyway.
func (s *state) spareMass() {
	var missing []*member
	matter := 0
	for id, m := range s.members {
		if len(s.target.Shards[id]) == 0 && len(m.resident) == 0 {
			continue
		}
		matter++
		if !m.present && !m.record.GetDraining() {
			missing = append(missing, m)
		}
	}
	for _, m := range missing {
		m.spared = m.spared || 2*len(missing) > matter
	}
}

// leaving reports that a member should be given no work: it says so itself, or
// this run of it was asked to.
func (s *state) leaving(id moe.NodeID) bool {
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
