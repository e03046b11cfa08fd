package inproc

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/hachi-serve/hachi/moe"
)

// Handler computes a call, as in transport/rpc.
type Handler interface {
	Serve(ctx context.Context, c *moe.Call) (*moe.Reply, error)
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

// Call implements dispatch.Caller.
func (n *Network) Call(ctx context.Context, to moe.Replica, c *moe.Call) (*moe.Reply, error) {
	n.mu.Lock()
	h := n.handlers[to.Node]
	n.mu.Unlock()
	if h == nil {
		return nil, &moe.Error{Op: "expert call", Node: to.Node, Kind: moe.Unreachable, Err: errors.New("no such node")}
	}
	sent := *c
	sent.X = bytes.Clone(c.X)
	reply, err := h.Serve(ctx, &sent)
	if err != nil {
		return nil, err
	}
	defer reply.Free()
	got := *reply
	got.Y, got.Release = bytes.Clone(reply.Y), nil
	return &got, nil
}
