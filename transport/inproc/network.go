package inproc

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/hachi-serve/hachi/moe"
)

// Handler computes calls, as in transport/rpc.
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

// outcome is how a call ended.
type outcome struct {
	reply *moe.Reply
	err   error
}

// Call implements dispatch.Caller.
func (n *Network) Call(ctx context.Context, to moe.Replica, c *moe.Call) (*moe.Reply, error) {
	sent := copyOf(c)
	if c.Release != nil {
		c.Release()
	}
	n.mu.Lock()
	h := n.handlers[to.Node]
	n.mu.Unlock()
	if h == nil {
		return nil, unreachable(to.Node, errors.New("no such node"))
	}
	if err := ctx.Err(); err != nil {
		return nil, unreachable(to.Node, err)
	}
	ended := make(chan outcome, 1)
	cancel := h.Serve(sent, func(reply *moe.Reply, err error) {
		if err != nil {
			ended <- outcome{err: err}
			return
		}
		got := *reply
		got.Y, got.Release = bytes.Clone(reply.Y), nil
		reply.Free()
		ended <- outcome{reply: &got}
	})
	select {
	case o := <-ended:
		return o.reply, o.err
	case <-ctx.Done():
		if cancel != nil {
			cancel()
		}
		return nil, unreachable(to.Node, ctx.Err())
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
