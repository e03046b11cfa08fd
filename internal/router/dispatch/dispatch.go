package dispatch

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/transport/rowbuf"
	"github.com/hachi-serve/hachi/moe"
)

// Config describes the model and the limits of a Dispatcher.
type Config struct {
	Transport   moe.Transport
	Fingerprint moe.Fingerprint
	Wire        tensor.DType
	Hidden      int
	Topology    moe.Topology
	// CallTimeout + rows x RowTimeout bounds one call. A node that takes longer is
	// suspected and its rows are sent to another replica.
	CallTimeout time.Duration
	RowTimeout  time.Duration
	// DisableHedging waits for late calls until they time out, before rows are
	// sent to another replica: for measurements, and for models whose calls cost
	// too much to be computed twice.
	DisableHedging bool
	// Local reports whether an address is on this host; nil knows none.
	Local func(addr string) bool
	// OnFailover is called when the rows of a failed or overdue call are sent to
	// another replica; nil is allowed. It must not block.
	OnFailover func(node moe.NodeID, kind moe.Kind, rows int)
	// OnHedge is called when rows of a late call are also sent to another replica; nil
	// is not called. It must not block.
	OnHedge func(node moe.NodeID, rows int)
	// OnReply is called when a node has answered a call; nil is not called.
	OnReply func(node moe.NodeID)
	// Now is the clock of every wait and measurement; nil is time.Now. Forward waits on
	// the machine's clock: with another one, use Begin.
	Now func() time.Time
}

// Dispatcher implements model.Experts.
type Dispatcher struct {
	cfg    Config
	counts []atomic.Uint64 // rows per expert, by Topology.Index
	memory rowbuf.Pool     // of calls' rows

	mu       sync.Mutex        // guards the fields below
	routes   *routes           // of the adopted placement; nil before the first
	changed  chan struct{}     // closed and replaced when a placement is adopted or a suspicion ends
	inflight map[moe.Epoch]int // layers that use a placement
	nodes    nodeTracker
}

// New makes a Dispatcher that has no placement yet.
func New(cfg Config) *Dispatcher {
	if cfg.CallTimeout == 0 {
		cfg.CallTimeout = 2 * time.Second
	}
	if cfg.RowTimeout == 0 {
		cfg.RowTimeout = 100 * time.Millisecond
	}
	if cfg.Local == nil {
		cfg.Local = func(string) bool { return false }
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Dispatcher{
		cfg: cfg, counts: make([]atomic.Uint64, cfg.Topology.Experts()),
		changed: make(chan struct{}), inflight: map[moe.Epoch]int{}, nodes: newNodeTracker(cfg.Now()),
	}
}

// Adopt takes a placement with a higher epoch than the present one that was made
// for the same model, and reports whether it did. Placements arrive from the
// registry and in replies, in any order.
func (d *Dispatcher) Adopt(p *moe.Placement) bool {
	if p == nil || p.Fingerprint() != d.cfg.Fingerprint || !p.Topology().Equal(d.cfg.Topology) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.routes != nil && p.Epoch() <= d.routes.placement.Epoch() {
		return false
	}
	d.routes = d.nodes.routes(p)
	d.signal()
	return true
}

// signal wakes the waiters on Changed. d.mu is held.
func (d *Dispatcher) signal() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// Placement is the newest placement adopted; nil before the first.
func (d *Dispatcher) Placement() *moe.Placement {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.routes == nil {
		return nil
	}
	return d.routes.placement
}

// Changed is closed when the next placement is adopted or the next suspicion
// ends: a layer that had no replica may have one then.
func (d *Dispatcher) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

// AckedEpoch is the highest epoch such that no layer in flight uses an older
// placement: nodes may drop what only older placements name.
func (d *Dispatcher) AckedEpoch() moe.Epoch {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.routes == nil {
		return 0
	}
	acked := d.routes.placement.Epoch()
	for epoch := range d.inflight {
		acked = min(acked, epoch)
	}
	return acked
}

// Counts are the rows that chose each expert since the start, by Topology.Index.
// Hedges and failovers do not count again.
func (d *Dispatcher) Counts() []uint64 {
	out := make([]uint64, len(d.counts))
	for i := range d.counts {
		out[i] = d.counts[i].Load()
	}
	return out
}

// Suspect puts a node last among replicas for a while, for hints from outside,
// such as gossip. A wrong hint costs nothing but a different order.
func (d *Dispatcher) Suspect(node moe.NodeID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nodes.record(node).suspect(d.cfg.Now(), 0)
}

// suspect suspects a node that was waited for in vain.
func (d *Dispatcher) suspect(node *record, waited time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	node.suspect(d.cfg.Now(), waited)
}

// Lose suspects a node to which there is no connection, until Find.
func (d *Dispatcher) Lose(node moe.NodeID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nodes.record(node).lose()
}

// Find takes Lose back. What else speaks against the node stays.
func (d *Dispatcher) Find(node moe.NodeID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.nodes.record(node).find() {
		d.signal()
	}
}

// Avoid puts a node last among replicas for a while, because it asks for it: it is about
// to leave, and is not suspected.
func (d *Dispatcher) Avoid(node moe.NodeID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nodes.record(node).avoid(d.cfg.Now())
}

// Trust ends the suspicion of a node, but not that of Lose.
func (d *Dispatcher) Trust(node moe.NodeID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.nodes.record(node).trust() {
		d.signal()
	}
}

// pin returns the placement for one layer and counts the layer as in flight under
// its epoch, until unpin; nil before the first placement.
func (d *Dispatcher) pin() *routes {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.routes != nil {
		d.inflight[d.routes.placement.Epoch()]++
	}
	return d.routes
}

func (d *Dispatcher) unpin(p *moe.Placement) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inflight[p.Epoch()]--; d.inflight[p.Epoch()] == 0 {
		delete(d.inflight, p.Epoch())
	}
}

// kindOf is moe.KindOf, except that an error without a kind is Unreachable: it
// comes from a transport and not from a node's answer.
func kindOf(err error) moe.Kind {
	var e *moe.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return moe.Unreachable
}

func noReplica(id moe.ExpertID, p *moe.Placement, last error) error {
	epoch := moe.Epoch(0)
	if p != nil {
		epoch = p.Epoch()
	}
	if last == nil {
		last = errors.New("no placement is known yet")
	}
	return &moe.Error{Op: fmt.Sprintf("expert %v at epoch %d", id, epoch), Kind: moe.NoReplica, Err: last}
}
