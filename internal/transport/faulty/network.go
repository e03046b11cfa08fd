package faulty

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// Fault is what happens to one call. The zero value is nothing. Faults add up
// in the order of the fields.
type Fault struct {
	Delay   time.Duration // before the node sees the call
	Silent  bool          // dropped: the node never sees it, the caller waits until ctx ends
	Failing bool          // the call fails with Fail: before the node sees it, or After it has computed
	Fail    moe.Kind
	After   bool
	Twice   bool          // the node is asked twice; the first answer is dropped
	Mute    bool          // half-open: the node computes, and its answer never arrives
	Late    time.Duration // between the node's answer and its arrival
	Behind  int           // reordered: this many later calls to the node are answered first
	// Truncate takes the last byte of the reply.
	Truncate bool
}

// Script decides about the nth call to a node, counted from 0.
type Script func(node moe.NodeID, nth int, c *moe.Call) Fault

// Network applies a script to the calls of a transport.
type Network struct {
	under moe.Transport

	mu      sync.Mutex // guards the fields below
	script  Script
	calls   map[moe.NodeID]int
	arrived map[moe.NodeID]*arrivals
}

// arrivals are the answers of a node that arrived, by number of call.
type arrivals struct {
	of     []int
	change chan struct{} // closed at the next one
}

// Wrap makes a network with a script.
func Wrap(under moe.Transport, script Script) *Network {
	return &Network{under: under, script: script, calls: map[moe.NodeID]int{}, arrived: map[moe.NodeID]*arrivals{}}
}

// Start implements moe.Transport.
func (n *Network) Start(to moe.Replica, c *moe.Call, t *moe.PendingCall) {
	ctx, cancel := context.WithCancel(context.Background())
	t.State = cancel
	done := t.Done
	go func() {
		defer cancel()
		f, nth := n.next(to.Node, c)
		done(n.call(ctx, to, c, f, nth))
		n.arrive(to.Node, nth)
	}()
}

// Cancel implements moe.Transport.
func (n *Network) Cancel(t *moe.PendingCall) {
	if cancel, ok := t.State.(context.CancelFunc); ok {
		cancel()
	}
}

// call carries a call through its faults.
func (n *Network) call(ctx context.Context, to moe.Replica, c *moe.Call, f Fault, nth int) (*moe.Reply, error) {
	reply, err := n.ask(ctx, to, c, f)
	if err == nil {
		err = n.deliver(ctx, to.Node, nth, f)
	}
	switch {
	case err != nil:
		reply.Free()
		return nil, err
	case f.Truncate && len(reply.Y) > 0:
		reply.Y = reply.Y[:len(reply.Y)-1]
	}
	return reply, nil
}

// next asks the script.
func (n *Network) next(node moe.NodeID, c *moe.Call) (Fault, int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	nth := n.calls[node]
	n.calls[node]++
	return n.script(node, nth, c), nth
}

// ask carries the call to the node, through the faults on that way.
func (n *Network) ask(ctx context.Context, to moe.Replica, c *moe.Call, f Fault) (*moe.Reply, error) {
	wait(ctx, f.Delay)
	if f.Silent {
		<-ctx.Done()
	}
	var err error
	switch {
	case ctx.Err() != nil:
		err = failed(to.Node, moe.Unreachable, ctx.Err())
	case f.Failing && !f.After:
		err = injected(to.Node, f.Fail)
	}
	if err != nil {
		if c.Release != nil {
			c.Release()
		}
		return nil, err
	}
	if f.Twice {
		// The transport takes over the rows of each call.
		first := *c
		first.X, first.Release = bytes.Clone(c.X), nil
		if reply, err := moe.Await(ctx, n.under, to, &first); err == nil {
			reply.Free()
		}
	}
	return moe.Await(ctx, n.under, to, c)
}

// deliver carries the answer back, through the faults on that way.
func (n *Network) deliver(ctx context.Context, node moe.NodeID, nth int, f Fault) error {
	if f.Failing {
		return injected(node, f.Fail)
	}
	if f.Mute {
		<-ctx.Done()
	}
	wait(ctx, f.Late)
	n.fallBehind(ctx, node, nth, f.Behind)
	if ctx.Err() != nil {
		return failed(node, moe.Unreachable, ctx.Err())
	}
	return nil
}

// fallBehind returns when later >= behind, where later counts the answered calls
// that began after this one.
func (n *Network) fallBehind(ctx context.Context, node moe.NodeID, nth, behind int) {
	for behind > 0 && ctx.Err() == nil {
		later, change := n.later(node, nth)
		if later >= behind {
			return
		}
		select {
		case <-change:
		case <-ctx.Done():
		}
	}
}

// later counts the answers to later calls; change is closed at the next answer.
func (n *Network) later(node moe.NodeID, nth int) (count int, change <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.of(node)
	for _, other := range a.of {
		if other > nth {
			count++
		}
	}
	return count, a.change
}

func (n *Network) arrive(node moe.NodeID, nth int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.of(node)
	a.of = append(a.of, nth)
	close(a.change)
	a.change = make(chan struct{})
}

// of finds a node's arrivals. n.mu is held.
func (n *Network) of(node moe.NodeID) *arrivals {
	if n.arrived[node] == nil {
		n.arrived[node] = &arrivals{change: make(chan struct{})}
	}
	return n.arrived[node]
}

func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func injected(node moe.NodeID, kind moe.Kind) error {
	return failed(node, kind, errors.New("injected"))
}

func failed(node moe.NodeID, kind moe.Kind, err error) error {
	return &moe.Error{Op: "expert call", Node: node, Kind: kind, Err: err}
}
