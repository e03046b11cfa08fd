package rpc

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/transport/rowbuf"
	"github.com/hachi-serve/hachi/moe"
)

// PoolConfig describes a router to its nodes.
type PoolConfig struct {
	Router      moe.RouterID
	Fingerprint moe.Fingerprint
	MaxPayload  int // bytes
	// Spin is how long a connection polls for an answer before it parks; 0 parks at
	// once. See the function Spin.
	Spin time.Duration
	// TLS is the configuration of a connection to a node, which verifies that the node
	// is the one of that name; nil is plaintext.
	TLS func(node moe.NodeID) *tls.Config
	// Lost is called when the stream to a node of Keep has ended, or cannot be opened,
	// and the node has not said that it leaves; Found when there is a stream again, or
	// the node is not kept any more. They are called in turns. Draining is called when
	// a node asks for no new calls, only for its most recent address: a stale
	// connection to an old address says nothing about the node. They must not block;
	// nil is allowed.
	Lost, Found func(node moe.NodeID)
	Draining    func(node moe.NodeID)
	Logger      *slog.Logger // nil is silent
}

// retireAfter is how long a peer may be idle. A sweep comes once in that time, so
// an idle peer is closed after retireAfter to 2 x retireAfter.
const retireAfter = time.Minute

// Pool holds one stream per replica: of those of Keep always, of others from the first
// call on until retireAfter without one.
type Pool struct {
	cfg         PoolConfig
	retireAfter time.Duration // the constant, or shorter in tests
	memory      rowbuf.Pool   // of heads, and of messages that came in several pieces
	out         outbound
	arrivals    sync.Pool // of *arrival
	keepers     keepers

	mu      sync.Mutex // guards the fields below
	peers   map[moe.Replica]*peer
	current map[moe.NodeID]*peer // of each node, the peer with its most recent address
	sweeper *time.Timer          // runs while there are peers
	closed  bool
	closing sync.WaitGroup // keepers, and peers that were retired
}

// NewPool makes an empty pool.
func NewPool(cfg PoolConfig) *Pool {
	for _, f := range []*func(moe.NodeID){&cfg.Lost, &cfg.Found, &cfg.Draining} {
		if *f == nil {
			*f = func(moe.NodeID) {}
		}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Pool{cfg: cfg, retireAfter: retireAfter, peers: map[moe.Replica]*peer{}, current: map[moe.NodeID]*peer{}, keepers: newKeepers(cfg.Logger)}
	p.out.memory = &p.memory
	return p
}

// Start implements moe.Transport. A call counts as a user of its peer from acquire
// to finish, whichever way it ends; only a call that found no peer does not.
func (p *Pool) Start(to moe.Replica, c *moe.Call, t *moe.PendingCall) {
	peer, err := p.acquire(to)
	if err != nil {
		release(c)
		t.Done(nil, err)
		return
	}
	if s := peer.current(); s != nil {
		s.start(c, t)
		return
	}
	peer.startLater(c, t)
}

// Cancel implements moe.Transport: a reply that comes later is dropped. A call
// that was refused at once has the State of an earlier call or none, and abandon
// finds nothing to end.
func (p *Pool) Cancel(t *moe.PendingCall) {
	switch state := t.State.(type) {
	case *session:
		state.abandon(t.Number)
	case *opening:
		state.abandon()
	}
}

// acquire finds the peer of a replica, or makes it, and counts the call as a user:
// a peer with users is not retired. finish releases it.
func (p *Pool) acquire(to moe.Replica) (*peer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, unreachable(to.Node, errors.New("the pool is closed"))
	}
	found := p.peers[to]
	if found == nil {
		var err error
		if found, err = newPeer(p, to); err != nil {
			return nil, unreachable(to.Node, err)
		}
		p.peers[to] = found
		if p.sweeper == nil {
			p.sweeper = time.AfterFunc(p.retireAfter, p.sweep)
		}
	}
	if p.current[to.Node] != found {
		p.current[to.Node] = found
	}
	found.users++
	return found, nil
}

// release counts a call out, also of a peer that Close has taken from the maps.
func (p *Pool) release(peer *peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	peer.users--
	peer.used = time.Now()
}

// sweep retires the peers without users for retireAfter: nodes come and go, and
// each peer holds a connection, two goroutines and their buffers.
func (p *Pool) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	for to, peer := range p.peers {
		if peer.users > 0 || time.Since(peer.used) < p.retireAfter {
			continue
		}
		delete(p.peers, to)
		if p.current[to.Node] == peer {
			delete(p.current, to.Node)
		}
		p.closing.Go(peer.close) // close waits for goroutines that take p.mu
	}
	p.sweeper = nil
	if len(p.peers) > 0 {
		p.sweeper = time.AfterFunc(p.retireAfter, p.sweep)
	}
}

// isCurrent reports that a peer has the most recent address of its node.
func (p *Pool) isCurrent(peer *peer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.closed && p.current[peer.to.Node] == peer
}

// Close ends all streams and joins their goroutines. Calls in flight end as
// Unreachable; later ones too.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	peers := p.peers
	p.peers = nil
	if p.sweeper != nil {
		p.sweeper.Stop()
	}
	p.mu.Unlock()
	// Outside the lock: the calls that end here release their peers.
	for _, peer := range peers {
		peer.close()
	}
	p.closing.Wait()
}

// arrival is a reply in the hands of a caller, with the received memory that its
// rows lie in. It is used again when the reply is released.
type arrival struct {
	reply   moe.Reply
	hold    hold
	release func() // made once
}

// arrival takes one from the pool of arrivals. Reply.Free calls release at most
// once, so an arrival returns to its pool at most once.
func (p *Pool) arrival() *arrival {
	a, ok := p.arrivals.Get().(*arrival)
	if !ok {
		a = &arrival{}
		a.release = func() {
			a.hold.free()
			a.reply = moe.Reply{}
			p.arrivals.Put(a)
		}
	}
	return a
}
