package inproc

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/hachi-serve/hachi/moe"
)

// Handler computes calls, as in internal/transport/rpc.
type Handler interface {
	Serve(c *moe.Call, done func(*moe.Reply, error)) (cancel func() bool)
}

// Network connects callers with nodes.
type Network struct {
	mu    sync.Mutex // guards nodes and the calls of each
	nodes map[moe.NodeID]*node
}

// node is a handler with its calls in flight.
type node struct {
	handler Handler
	calls   map[*call]struct{}
}

// call is in a handler's hands.
type call struct {
	once   sync.Once // a call ends once: answered, given up or cut off
	done   func(*moe.Reply, error)
	cancel func() bool
}

func (c *call) end(r *moe.Reply, err error) { c.once.Do(func() { c.done(r, err) }) }

// NewNetwork makes a network of no nodes.
func NewNetwork() *Network { return &Network{nodes: map[moe.NodeID]*node{}} }

// Connect makes a node reachable, in place of an earlier node of that name.
func (n *Network) Connect(id moe.NodeID, h Handler) {
	n.Disconnect(id)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nodes[id] = &node{handler: h, calls: map[*call]struct{}{}}
}

// Disconnect cuts a node off, as the end of its process would: its calls in
// flight end as Unreachable, and so does every later call.
func (n *Network) Disconnect(id moe.NodeID) {
	n.mu.Lock()
	gone := n.nodes[id]
	delete(n.nodes, id)
	var cut []*call
	if gone != nil {
		for c := range gone.calls {
			cut = append(cut, c)
		}
	}
	n.mu.Unlock()
	for _, c := range cut {
		c.end(nil, unreachable(id, errors.New("the node was cut off")))
	}
}

// Start implements moe.Transport.
func (n *Network) Start(to moe.Replica, c *moe.Call, t *moe.PendingCall) {
	sent := copyOf(c)
	if c.Release != nil {
		c.Release()
	}
	f := &call{done: t.Done}
	n.mu.Lock()
	at := n.nodes[to.Node]
	if at != nil {
		at.calls[f] = struct{}{}
	}
	n.mu.Unlock()
	if at == nil {
		t.Done(nil, unreachable(to.Node, errors.New("no such node")))
		return
	}
	t.State = f
	f.cancel = at.handler.Serve(sent, func(reply *moe.Reply, err error) {
		n.mu.Lock()
		delete(at.calls, f)
		n.mu.Unlock()
		var got *moe.Reply
		if err == nil {
			copied := *reply
			copied.Y, copied.Release = bytes.Clone(reply.Y), nil
			reply.Free()
			got = &copied
		}
		f.end(got, err)
	})
}

// Cancel implements moe.Transport.
func (n *Network) Cancel(t *moe.PendingCall) {
	f, ok := t.State.(*call)
	if !ok {
		return
	}
	if f.cancel != nil && f.cancel() {
		n.forget(f)
	}
	f.end(nil, unreachable("", context.Canceled))
}

// forget drops a call that its handler will not answer.
func (n *Network) forget(f *call) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, at := range n.nodes {
		delete(at.calls, f)
	}
}

// copyOf is a call that shares nothing with c.
func copyOf(c *moe.Call) *moe.Call {
	sent := *c
	sent.X, sent.Release, sent.Groups = bytes.Clone(c.X), nil, make([]moe.Group, len(c.Groups))
	for i, g := range c.Groups {
		sent.Groups[i] = moe.Group{Expert: g.Expert, Index: append([]int32(nil), g.Index...)}
	}
	return &sent
}

func unreachable(node moe.NodeID, err error) error {
	return &moe.Error{Op: "expert call", Node: node, Kind: moe.Unreachable, Err: err}
}
