package rpc

import (
	"context"
	"errors"
	"sync"

	"github.com/hachi-serve/hachi/moe"
)

// PoolConfig describes a router to its nodes.
type PoolConfig struct {
	Router      moe.RouterID
	Fingerprint moe.Fingerprint
	MaxPayload  int // bytes
	// Broken is told when a stream to a node ends; Draining when a node asks to
	// be left alone. They must not block; nil is allowed.
	Broken   func(node moe.NodeID)
	Draining func(node moe.NodeID)
}

// Pool holds one stream per node, opened by the first call.
type Pool struct {
	cfg PoolConfig

	mu     sync.Mutex // guards the fields below
	peers  map[moe.NodeID]*peer
	closed bool
}

// NewPool makes an empty pool.
func NewPool(cfg PoolConfig) *Pool {
	for _, f := range []*func(moe.NodeID){&cfg.Broken, &cfg.Draining} {
		if *f == nil {
			*f = func(moe.NodeID) {}
		}
	}
	return &Pool{cfg: cfg, peers: map[moe.NodeID]*peer{}}
}

// Call carries a call to a replica. It returns as soon as ctx ends; a reply
// that comes later is dropped.
func (p *Pool) Call(ctx context.Context, to moe.Replica, c *moe.Call) (*moe.Reply, error) {
	peer, err := p.peer(to)
	if err != nil {
		return nil, err
	}
	s, err := peer.session(ctx)
	if err != nil {
		return nil, err
	}
	return s.call(ctx, c)
}

// peer finds the peer of a replica. A node that came back at another address
// is another peer; the old one is closed.
func (p *Pool) peer(to moe.Replica) (*peer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, unreachable(to.Node, errors.New("the pool is closed"))
	}
	old := p.peers[to.Node]
	if old != nil && old.to == to {
		return old, nil
	}
	fresh, err := newPeer(p.cfg, to)
	if err != nil {
		return nil, unreachable(to.Node, err)
	}
	if old != nil {
		go old.close()
	}
	p.peers[to.Node] = fresh
	return fresh, nil
}

// Close ends all streams and joins their goroutines.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	peers := p.peers
	p.peers = nil
	p.mu.Unlock()
	for _, peer := range peers {
		peer.close()
	}
}

func unreachable(node moe.NodeID, err error) error {
	return &moe.Error{Op: op, Node: node, Kind: moe.Unreachable, Err: err}
}
