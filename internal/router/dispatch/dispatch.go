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
	// CallTimeout plus RowTimeout per row bounds one call; a node that takes
	// longer is suspect and its rows are asked for elsewhere.
	CallTimeout time.Duration
	RowTimeout  time.Duration
	// Patient waits for late calls until they time out: nobody else is asked
	// before. For measurements, and for a model whose calls are too dear to be
	// made twice.
	Patient bool
	// Local reports whether an address is on this host; nil knows none.
	Local func(addr string) bool
	// OnFailover is called when the rows of a failed or overdue call are sent to
	// another replica; nil is allowed. It must not block.
	OnFailover func(node moe.NodeID, kind moe.Kind, rows int)
}

// Dispatcher implements model.Experts.
type Dispatcher struct {
	cfg    Config
	counts []atomic.Uint64 // rows sent, by Topology.Index
	memory rowbuf.Pool     // of rows on their way

	mu        sync.Mutex // guards the fields below
	placement *moe.Placement
	changed   chan struct{} // closed when the placement or a suspicion changes
	inflight  map[moe.Epoch]int
	book      book
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
	return &Dispatcher{
		cfg: cfg, counts: make([]atomic.Uint64, cfg.Topology.Experts()),
		changed: make(chan struct{}), inflight: map[moe.Epoch]int{}, book: newBook(),
	}
}

// Adopt takes a placement that is strictly newer than the present one and was
// made for the same model; it reports whether it did.
func (d *Dispatcher) Adopt(p *moe.Placement) bool {
	if p == nil || p.Fingerprint() != d.cfg.Fingerprint || !p.Topology().Equal(d.cfg.Topology) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.placement != nil && p.Epoch() <= d.placement.Epoch() {
		return false
	}
	d.placement = p
	d.signal()
	return true
}

// signal wakes those who wait on Changed. d.mu is held.
func (d *Dispatcher) signal() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// Placement is the newest placement adopted; nil before the first.
func (d *Dispatcher) Placement() *moe.Placement {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.placement
}

// Changed is closed at the next change of placement or trust.
func (d *Dispatcher) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

// AckedEpoch is the newest epoch under which no older call is in flight.
func (d *Dispatcher) AckedEpoch() moe.Epoch {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.placement == nil {
		return 0
	}
	acked := d.placement.Epoch()
	for epoch := range d.inflight {
		acked = min(acked, epoch)
	}
	return acked
}

// Counts are the rows sent since the start, [layer*experts+expert].
func (d *Dispatcher) Counts() []uint64 {
	out := make([]uint64, len(d.counts))
	for i := range d.counts {
		out[i] = d.counts[i].Load()
	}
	return out
}

// Suspect puts a node last among replicas for a while. A hint may be wrong:
// nothing else changes.
func (d *Dispatcher) Suspect(node moe.NodeID) { d.accuse(node, 0) }

// accuse suspects a node after a wait.
func (d *Dispatcher) accuse(node moe.NodeID, waited time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.book.suspects.accuse(node, time.Now(), waited)
	d.book.record(node).stats.Suspicions++
}

// Trust ends a suspicion.
func (d *Dispatcher) Trust(node moe.NodeID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.book.suspects.clear(node) {
		d.signal()
	}
}

// pin holds the present placement for one layer, until unpin; nil before the
// first.
func (d *Dispatcher) pin() *moe.Placement {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.placement != nil {
		d.inflight[d.placement.Epoch()]++
	}
	return d.placement
}

func (d *Dispatcher) unpin(p *moe.Placement) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inflight[p.Epoch()]--; d.inflight[p.Epoch()] == 0 {
		delete(d.inflight, p.Epoch())
	}
}

// kindOf is moe.KindOf, except that an unknown failure and a call that took
// too long count as Unreachable.
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
