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

// Network connects callers with handlers.
type Network struct {
	mu       sync.Mutex // guards handlers
	handlers map[moe.NodeID]Handler
}

// NewNetwork makes a network of no nodes.
func NewNetwork() *Network { return &Network{handlers: map[moe.NodeID]Handler{}} }

// Register connects a node; nil disconnects it.
func (n *Network) Register(node moe.NodeID, h Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.handlers[node] = h
}

// flight is a call in a handler's hands.
type flight struct {
	once   sync.Once // the call ends once: answered or given up
	cancel func() bool
}

// Start implements moe.Carrier.
func (n *Network) Start(to moe.Replica, c *moe.Call, t *moe.Ticket) {
	sent := copyOf(c)
	if c.Release != nil {
		c.Release()
	}
	n.mu.Lock()
	h := n.handlers[to.Node]
	n.mu.Unlock()
	if h == nil {
		t.Done(nil, unreachable(to.Node, errors.New("no such node")))
		return
	}
	f := &flight{}
	t.Carrier = f
	done := t.Done
	f.cancel = h.Serve(sent, func(reply *moe.Reply, err error) {
		var got *moe.Reply
		if err == nil {
			copied := *reply
			copied.Y, copied.Release = bytes.Clone(reply.Y), nil
			reply.Free()
			got = &copied
		}
		f.once.Do(func() { done(got, err) })
	})
}

// Cancel implements moe.Carrier.
func (n *Network) Cancel(t *moe.Ticket) {
	f, ok := t.Carrier.(*flight)
	if !ok {
		return
	}
	if f.cancel != nil {
		f.cancel()
	}
	f.once.Do(func() { t.Done(nil, unreachable("", context.Canceled)) })
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
