package faulty

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// Caller is the transport underneath.
type Caller interface {
	Call(ctx context.Context, to moe.Replica, c *moe.Call) (*moe.Reply, error)
}

// Fault is what happens to one call. The zero value is nothing.
type Fault struct {
	Fail     moe.Kind // the call fails with this kind, when Failing
	Failing  bool
	After    bool          // it fails only after the node has computed
	Delay    time.Duration // before the node sees it
	Silent   bool          // no answer until ctx ends
	Truncate bool          // the reply loses its last byte
	Twice    bool          // the node is asked twice; the first answer is dropped
}

// Script decides about the nth call to a node, counted from 0.
type Script func(node moe.NodeID, nth int, c *moe.Call) Fault

// Network applies a script to the calls of a transport.
type Network struct {
	under Caller

	mu     sync.Mutex // guards the fields below
	script Script
	calls  map[moe.NodeID]int
}

// Wrap makes a network with a script.
func Wrap(under Caller, script Script) *Network {
	return &Network{under: under, script: script, calls: map[moe.NodeID]int{}}
}

// Call implements dispatch.Caller.
func (n *Network) Call(ctx context.Context, to moe.Replica, c *moe.Call) (*moe.Reply, error) {
	n.mu.Lock()
	f := n.script(to.Node, n.calls[to.Node], c)
	n.calls[to.Node]++
	n.mu.Unlock()
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-ctx.Done():
		}
	}
	failed := &moe.Error{Op: "expert call", Node: to.Node, Kind: f.Fail, Err: errors.New("injected")}
	switch {
	case f.Silent:
		<-ctx.Done()
	case f.Failing && !f.After:
		return nil, failed
	}
	if ctx.Err() != nil {
		return nil, &moe.Error{Op: "expert call", Node: to.Node, Kind: moe.Unreachable, Err: ctx.Err()}
	}
	if f.Twice {
		reply, err := n.under.Call(ctx, to, c)
		if err == nil {
			reply.Free()
		}
	}
	reply, err := n.under.Call(ctx, to, c)
	if err == nil && f.Failing {
		reply.Free()
		return nil, failed
	}
	if err == nil && f.Truncate {
		reply.Y = reply.Y[:len(reply.Y)-1]
	}
	return reply, err
}
