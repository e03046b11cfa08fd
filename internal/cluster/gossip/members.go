package gossip

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/memberlist"
	"golang.org/x/time/rate"

	"github.com/hachi-serve/hachi/internal/identity"
)

const (
	// maxMembers bounds the members that are alive at once: a member takes memory of
	// every other one.
	maxMembers = 1 << 12
	// newNames bounds the names per second that were not heard before, after the first
	// maxMembers: members that are dead are remembered for a while.
	newNames = 64
	// maxRole bounds what a member says of its role, bytes.
	maxRole = 32
)

var errManyMembers = errors.New("gossip has too many members, or too many new ones")

// members are those that this process has heard of and not the end of. They implement
// memberlist.AliveDelegate and memberlist.EventDelegate, whose methods memberlist calls one
// at a time.
type members struct {
	ctx    context.Context // of the receiver of events
	events chan memberlist.NodeEvent
	fresh  *rate.Limiter

	mu    sync.Mutex // guards alive
	alive map[string]bool
}

func newMembers(ctx context.Context, events chan memberlist.NodeEvent) *members {
	return &members{ctx: ctx, events: events, fresh: rate.NewLimiter(newNames, maxMembers), alive: map[string]bool{}}
}

// NotifyAlive refuses a member that is no process of a cluster, and members beyond the
// bounds. What it refuses takes no memory.
func (m *members) NotifyAlive(n *memberlist.Node) error {
	if err := checkMember(n); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.alive[n.Name] && (len(m.alive) >= maxMembers || !m.fresh.Allow()) {
		return errManyMembers
	}
	return nil
}

// checkMember reports what no process says of itself.
func checkMember(n *memberlist.Node) error {
	const version = memberlist.ProtocolVersion2Compatible
	name, started := splitName(n.Name)
	switch err := identity.CheckName(name); {
	case err != nil:
		return fmt.Errorf("member %.80q: %w", n.Name, err)
	case started == 0:
		return fmt.Errorf("member %.80q: expected NAME@RUN", n.Name)
	case len(n.Meta) > maxRole:
		return fmt.Errorf("member %s: %d bytes of role, expected at most %d", n.Name, len(n.Meta), maxRole)
	case n.PMin > version || n.PCur != version || n.PMax < version || n.DMin != 0:
		return fmt.Errorf("member %s: versions %d to %d, expected %d among them", n.Name, n.PMin, n.PMax, version)
	}
	return nil
}

// NotifyJoin implements memberlist.EventDelegate.
func (m *members) NotifyJoin(n *memberlist.Node) {
	m.mu.Lock()
	m.alive[n.Name] = true
	m.mu.Unlock()
	m.tell(memberlist.NodeJoin, n)
}

// NotifyLeave implements memberlist.EventDelegate.
func (m *members) NotifyLeave(n *memberlist.Node) {
	m.mu.Lock()
	delete(m.alive, n.Name)
	m.mu.Unlock()
	m.tell(memberlist.NodeLeave, n)
}

// NotifyUpdate implements memberlist.EventDelegate.
func (m *members) NotifyUpdate(n *memberlist.Node) { m.tell(memberlist.NodeUpdate, n) }

// tell hands an event on, unless its receiver has ended. memberlist changes the node
// later.
func (m *members) tell(kind memberlist.NodeEventType, n *memberlist.Node) {
	node := *n
	select {
	case m.events <- memberlist.NodeEvent{Event: kind, Node: &node}:
	case <-m.ctx.Done():
	}
}
