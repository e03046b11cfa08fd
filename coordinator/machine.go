package coordinator

import (
	"time"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Machine decides as a leading coordinator does, without election, etcd and clock: for
// an owner that has a store and a clock of its own. It is pure, and belongs to one
// goroutine.
type Machine struct{ s *state }

// Written is what the owner's store holds. A nil field was never written.
type Written struct {
	Target    *moe.Target
	Placement *moe.Placement
}

func (w Written) facts() written {
	out := written{placement: w.Placement}
	if w.Target != nil {
		out.target, out.hasTarget = *w.Target, true
	}
	return out
}

// Begin starts a term: the machine knows what is written, and has seen no record. floor
// is the highest epoch of earlier terms. Of the configuration it uses the policy, what
// belongs to it, TTL, Alive and Heard.
func Begin(cfg Config, w Written, floor moe.Epoch, now time.Time) *Machine {
	m := &Machine{newState((&Coordinator{cfg: cfg}).rules(), w.facts(), floor, cfg.Alive, now)}
	m.s.heard = cfg.Heard
	return m
}

// ObserveNodes takes the records of nodes that the store has now. connection changes
// when the store was unreachable.
func (m *Machine) ObserveNodes(records []*hachiv1.NodeRecord, connection uint64, now time.Time) {
	m.s.observeNodes(records, connection, now)
}

// ObserveRouters takes the records of routers that the store has now.
func (m *Machine) ObserveRouters(records []*hachiv1.RouterRecord) { m.s.observeRouters(records) }

// ObserveLoads takes what routers have sent, as the store has it now.
func (m *Machine) ObserveLoads(records []*hachiv1.RouterLoad, now time.Time) {
	m.s.observeLoads(records, now)
}

// Decide returns what should be written now: a nil field does not change. The owner
// writes the target first, and calls Adopt with what the store holds then.
func (m *Machine) Decide(now time.Time) Written {
	w := m.s.decide(now)
	return Written{w.target, w.placement}
}

// Adopt takes what the store holds.
func (m *Machine) Adopt(w Written) { m.s.adopt(w.facts()) }

// Floor is an epoch that is not below any that was used: the floor of the next term.
func (m *Machine) Floor() moe.Epoch { return m.s.next() - 1 }

// Degraded says why the placement is not what the policy asks for; empty when it is.
func (m *Machine) Degraded() string { return m.s.degraded() }
