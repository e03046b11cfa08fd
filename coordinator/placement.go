package coordinator

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/moe"
)

// publishable is the next placement: every expert on the members that hold it.
// Nil when nothing would change, when an expert has no replica (but see mayStall),
// or when the published one works and was only just published.
//
//	epoch = max(1 + highest epoch reported or published, epoch of the target)
//
// so every router adopts it, and it is never older than the target it follows.
// A placement that only improves on a working one waits until
// published + republish, unless all that the target names is loaded.
func (s *state) publishable(roster map[moe.NodeID]planner.Mode, sh shape, target moe.Target, now time.Time) *moe.Placement {
	holders := s.holders(roster, sh)
	table := s.choose(sh.topology, holders, target)
	var unserved []moe.ExpertID
	for i, id := range sh.topology.All() {
		if len(table[i].nodes) == 0 {
			unserved = append(unserved, id)
		}
	}
	loading := s.loading(roster, target)
	if len(unserved) > 0 {
		text := fmt.Sprintf("experts without a serving replica: %d, first %v", len(unserved), unserved[0])
		s.notes = slices.Insert(s.notes, 0, text) // first: it stops requests
		if !s.mayStall(sh) {
			return nil
		}
	}
	prefer(table, sh.topology)
	replicas := s.replicas(table)
	for _, id := range unserved {
		replicas[sh.topology.Index(id)] = s.placement.Replicas(id)
	}
	p, err := moe.NewPlacement(max(s.next(), target.Epoch), sh.fingerprint, sh.topology, replicas)
	switch {
	case err != nil:
		s.note("%v", err)
		return nil
	case s.current(p):
		return nil
	case s.flooding(now):
		s.note("%d placements in %v, the next one is delayed: a node may be in a restart loop", s.rules.burst, s.rules.burstTime)
		return nil
	case !loading || s.broken(holders) || now.Sub(s.published) >= s.rules.republish:
		return p
	default:
		return nil
	}
}

// mayStall reports that a placement may keep, for experts without a serving
// replica, the replicas that the published one names: they were lost, and room for
// them must be made. A node drops the copy that makes the room only when no
// placement names it for that copy. For no expert is such a placement worse than
// the published one.
func (s *state) mayStall(sh shape) bool {
	return s.evicts > 0 && s.placement != nil && s.placement.Fingerprint() == sh.fingerprint && s.placement.Topology().Equal(sh.topology)
}

// flooding reports that enough placements were published lately.
func (s *state) flooding(now time.Time) bool {
	s.recent = slices.DeleteFunc(s.recent, func(at time.Time) bool { return now.Sub(at) >= s.rules.burstTime })
	return len(s.recent) >= s.rules.burst
}

// holders are the members that serve the model, in natural order, draining ones
// last: routers prefer earlier replicas. A member that only the target names has
// no address yet, so that no router could call it.
func (s *state) holders(roster map[moe.NodeID]planner.Mode, sh shape) []moe.NodeID {
	ids := slices.DeleteFunc(slices.Collect(maps.Keys(roster)), func(id moe.NodeID) bool {
		return !s.belongs(id, sh.fingerprint) || s.members[id].record.GetAddr() == ""
	})
	leaves := func(id moe.NodeID) int {
		if roster[id] == planner.Draining {
			return 1
		}
		return 0
	}
	slices.SortFunc(ids, func(a, b moe.NodeID) int { return cmp.Or(leaves(a)-leaves(b), planner.Natural(a, b)) })
	return ids
}

// replicaList is the nodes that serve an expert. nodes[:wanted] are in the target;
// the rest still hold the expert but are losing it.
type replicaList struct {
	nodes  []moe.NodeID
	wanted int
}

// choose lists, for every expert, the nodes that serve it: the holders that the
// target names and, until all of those serve it, the other holders that serve it
// now.
//
// A holder may drop an expert at any time unless it knows a target or a
// placement that names it. So it counts only when the published placement names
// it, or when it has reported under the present target. For the same reason the
// others stay listed until the last successor serves: a move never lowers the
// number of replicas that the published placement names.
func (s *state) choose(t moe.Topology, holders []moe.NodeID, target moe.Target) []replicaList {
	table, others, missing := make([]replicaList, t.Experts()), make([][]moe.NodeID, t.Experts()), make([]int, t.Experts())
	for _, shard := range target.Shards {
		for _, id := range shard {
			if i := t.Index(id); i >= 0 {
				missing[i]++
			}
		}
	}
	for _, node := range holders {
		m, shard := s.members[node], target.Shards[node]
		bound := m.present && moe.Epoch(m.record.GetTargetEpoch()) == target.Epoch
		for _, id := range m.resident {
			i := t.Index(id)
			if i < 0 {
				continue
			}
			named := shard.Has(id)
			switch {
			case !(named && bound) && !s.serves(node, id):
			case named:
				table[i].nodes = append(table[i].nodes, node)
				missing[i]--
			default:
				others[i] = append(others[i], node)
			}
		}
	}
	for i := range table {
		table[i].wanted = len(table[i].nodes)
		if missing[i] > 0 {
			table[i].nodes = append(table[i].nodes, others[i]...)
		}
	}
	return table
}

// serves reports that the published placement names a node for an expert.
func (s *state) serves(node moe.NodeID, id moe.ExpertID) bool {
	return s.placement != nil && slices.ContainsFunc(s.placement.Replicas(id), func(r moe.Replica) bool { return r.Node == node })
}

// prefer puts first, for each expert, the wanted replica that is first for the
// fewest experts of its layer so far, so that a layer's first choices spread
// over the nodes. Load plays no part: it changes all the time, and would
// reorder placements without end. Of equals the one that is first for fewer
// experts of all layers wins, then the one listed first: the same table always
// gives the same order. An expert without a serving replica has no list.
func prefer(table []replicaList, t moe.Topology) {
	var inLayer map[moe.NodeID]int
	total := map[moe.NodeID]int{}
	for i, id := range t.All() {
		if id.Expert == 0 {
			inLayer = map[moe.NodeID]int{}
		}
		c := table[i]
		if len(c.nodes) == 0 {
			continue
		}
		best := 0
		for j, node := range c.nodes[:c.wanted] {
			if cmp.Or(inLayer[node]-inLayer[c.nodes[best]], total[node]-total[c.nodes[best]]) < 0 {
				best = j
			}
		}
		first := c.nodes[best]
		copy(c.nodes[1:best+1], c.nodes[:best])
		c.nodes[0] = first
		inLayer[first]++
		total[first]++
	}
}

// replicas adds the addresses to the nodes of each expert.
func (s *state) replicas(table []replicaList) [][]moe.Replica {
	out := make([][]moe.Replica, len(table))
	for i, c := range table {
		for _, node := range c.nodes {
			out[i] = append(out[i], moe.Replica{Node: node, Addr: s.members[node].record.GetAddr()})
		}
	}
	return out
}

// loading reports, and notes, that a member has yet to load what the target gives
// it.
func (s *state) loading(roster map[moe.NodeID]planner.Mode, target moe.Target) bool {
	var ids []moe.NodeID
	for _, id := range slices.SortedFunc(maps.Keys(roster), planner.Natural) {
		m := s.members[id]
		if n := len(target.Shards[id].Minus(m.resident)); n > 0 && m.present {
			ids = append(ids, id)
		}
		if text := m.record.GetLoadError(); text != "" {
			s.note("%s cannot load: %s", id, text)
		}
	}
	if len(ids) > 0 {
		s.note("loading: %s", joinIDs(ids))
	}
	return len(ids) > 0
}

// current reports that the published placement has the same replicas, at an
// epoch that every router will adopt.
func (s *state) current(p *moe.Placement) bool {
	old := s.placement
	return old != nil && old.Epoch() >= s.reported() && p.SameReplicas(old)
}

// broken reports that the published placement names a replica that is missing, or
// has an epoch too low to be adopted: the next placement must not wait.
func (s *state) broken(holders []moe.NodeID) bool {
	old := s.placement
	if old == nil || old.Epoch() < s.reported() {
		return true
	}
	for _, n := range old.Nodes() {
		if !slices.Contains(holders, n.Node) || s.members[n.Node].record.GetAddr() != n.Addr {
			return true
		}
	}
	for _, id := range old.Topology().All() {
		for _, r := range old.Replicas(id) {
			if !s.members[r.Node].resident.Has(id) {
				return true
			}
		}
	}
	return false
}
