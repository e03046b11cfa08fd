package coordinator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// rules are the parameters of a state; they do not change during a term.
type rules struct {
	policy   planner.Policy
	replicas int
	// redundant is how many copies more a layer gets, for its busiest experts.
	redundant int
	// A first target waits for expect nodes, but not beyond led + patience.
	expect   int
	patience time.Duration
	// ttl is the lease of node records; the grace ends at connected + 2 x ttl.
	ttl time.Duration
	// forget is how long a node that is away keeps its home in a column plan: the
	// other homes do not shift, and it takes back the same experts.
	forget time.Duration
	// republish is the shortest time between placements that only improve on one
	// that works: each costs every router and node an adoption.
	republish time.Duration
	// At most burst placements are published in burstTime, whatever happens: a
	// process under a name in use, or a node that comes and goes, must not flood
	// routers and nodes.
	burst     int
	burstTime time.Duration
	window    time.Duration // over which load is measured
	balance   balanceRules
}

// defaultRules are those of a coordinator in service.
func defaultRules() rules {
	return rules{
		patience: time.Minute, forget: time.Hour, republish: 2 * time.Second, burst: 8, burstTime: 4 * time.Second,
		window: time.Minute, balance: defaultBalance(),
	}
}

// state is what a leading coordinator knows. It is pure: events and the time go
// in, writes come out. It belongs to the goroutine of Run.
type state struct {
	rules rules
	alive func(moe.NodeID) bool // what gossip says
	heard func() []moe.NodeID   // the nodes that it hears; nil is none

	led        time.Time // when leadership began
	connection uint64
	connected  time.Time // when etcd was last reached again; the grace starts here
	members    map[moe.NodeID]*member
	homes      map[moe.NodeID]time.Time // of a column plan: node to when it was last present
	routers    []*hachiv1.RouterRecord
	drains     map[moe.NodeID]int64 // start of the run that should leave
	meter      meter
	busy       timesheet
	demand     demand
	balancer   balancer

	target    moe.Target
	hasTarget bool
	placement *moe.Placement
	// floor is the highest epoch of earlier terms in this process, and of placements
	// that are gone; targetFloor that of targets that are gone.
	floor, targetFloor moe.Epoch
	changed            time.Time   // when the target was last written
	published          time.Time   // when the placement was
	recent             []time.Time // when the last rules.burst placements were

	evicts int      // experts for which the plan makes room
	notes  []string // why the placement is not what the policy asks for; rewritten by decide
}

// written is what etcd holds.
type written struct {
	target    moe.Target
	hasTarget bool
	placement *moe.Placement
}

// writes are what the state wants written, target first.
type writes struct {
	target    *moe.Target
	placement *moe.Placement
}

// newState is the state at the start of a term: it knows what is written and has
// seen no record.
func newState(r rules, w written, floor moe.Epoch, alive func(moe.NodeID) bool, now time.Time) *state {
	s := &state{
		rules: r, alive: alive, floor: floor, led: now, connected: now,
		members: map[moe.NodeID]*member{}, homes: map[moe.NodeID]time.Time{}, drains: map[moe.NodeID]int64{},
		meter: meter{window: r.window, slot: r.window / 12}, busy: timesheet{window: r.window}, demand: demand{patience: r.window}, balancer: balancer{rules: r.balance},
	}
	s.adopt(w)
	s.seed(now)
	return s
}

// adopt takes what is written in etcd. Only what is written counts as decided: a
// write that failed leaves the state unchanged.
//
// What was written may be gone or lower: another program deleted or damaged it. Its
// epochs are used up all the same.
func (s *state) adopt(w written) {
	if s.placement != nil {
		s.floor = max(s.floor, s.placement.Epoch())
	}
	s.targetFloor = max(s.targetFloor, s.target.Epoch)
	s.target, s.hasTarget, s.placement = w.target, w.hasTarget, w.placement
}

// observeDrains takes the drain requests that are in etcd now.
func (s *state) observeDrains(drains map[moe.NodeID]int64) { s.drains = maps.Clone(drains) }

// observeRouters takes the router records that are in etcd now.
func (s *state) observeRouters(records []*hachiv1.RouterRecord) { s.routers = records }

// observeLoads takes what routers have sent, as it is in etcd now.
func (s *state) observeLoads(records []*hachiv1.RouterLoad, now time.Time) {
	if p := s.placement; p != nil {
		s.meter.measure(p.Fingerprint(), p.Topology().Experts(), now)
		s.meter.observe(records, now)
	}
}

// decide returns what should be written now. It writes nothing when the same
// facts were decided upon before: a second leader, or the same one later, agrees.
//
// changed and published are when a write was decided upon. When it fails, the
// target is asked for again at once, and an improvement of the placement after
// another republish.
func (s *state) decide(now time.Time) writes {
	s.notes = nil
	s.evict(now)
	s.noteMissing(now)
	roster := s.roster(now)
	shape, ok := s.shape(roster)
	if !ok {
		return writes{}
	}
	if s.forming(roster, shape, now) {
		return writes{}
	}
	target := s.plan(roster, shape, now)
	var w writes
	if !s.hasTarget || !maps.EqualFunc(target.Shards, s.target.Shards, slices.Equal) {
		w.target = &target
		s.changed = now
	} else {
		target = s.target
	}
	w.placement = s.publishable(roster, shape, target, now)
	if w.placement != nil {
		s.published = now
		s.recent = append(s.recent, now)
	}
	return w
}

// forming reports that it is too early for a first placement: nothing was ever
// placed, and fewer nodes than expected are present. Nodes or routers that report
// an epoch belong to a cluster whose etcd lost its data: all of them get the
// grace period to register again, or the time until every node that gossip hears has
// done so. Without that wait the first nodes to return would get the experts of all
// others, and load them without need.
func (s *state) forming(roster map[moe.NodeID]planner.Mode, sh shape, now time.Time) bool {
	if s.hasTarget || s.placement != nil {
		return false
	}
	there := 0
	for id := range roster {
		if s.belongs(id, sh.fingerprint) {
			there++
		}
	}
	switch {
	case s.reported() > 0 && s.inGrace(now) && !(there >= s.rules.expect && s.allAreBack()):
		s.note("etcd is empty but the cluster is not: waiting for its nodes to register again")
	case there < s.rules.expect && now.Before(s.led.Add(s.rules.patience)):
		s.note("waiting for expert nodes: %d of %d are registered", there, s.rules.expect)
	default:
		return false
	}
	return true
}

// allAreBack reports that gossip hears nodes, and that each of them is registered.
func (s *state) allAreBack() bool {
	if s.heard == nil {
		return false
	}
	heard := s.heard()
	for _, id := range heard {
		if m := s.members[id]; m == nil || !m.present {
			return false
		}
	}
	return len(heard) > 0
}

// next is an epoch above every one that was used for a placement. Routers and
// nodes tell placements apart by epoch only, so no epoch may be used twice.
func (s *state) next() moe.Epoch {
	highest := s.reported()
	if s.placement != nil {
		highest = max(highest, s.placement.Epoch())
	}
	return highest + 1
}

// note adds a reason why the placement is degraded. docs/operations.md quotes the
// texts and says what to do about each.
func (s *state) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// degraded says why the placement is not what the policy asks for; empty when
// it is.
func (s *state) degraded() string { return strings.Join(s.notes, "; ") }
