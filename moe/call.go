package moe

import (
	"context"
	"time"
)

// Call is one message from a router to a node: the rows of one layer that
// go to experts of that node. It is idempotent: an expert is a pure function,
// so a call may be sent again, to any replica, at any time.
type Call struct {
	// Router is who asks, for taking turns; the answer does not depend on it.
	// The transport sets it.
	Router      RouterID
	Fingerprint Fingerprint
	// Epoch is the placement the router used. It is information for the node,
	// never a reason to refuse.
	Epoch Epoch
	Layer int
	// Rows is the number of rows in X. Each row is sent once even when several
	// of its experts live on the node.
	Rows int
	// X is [Rows, hidden] in the wire dtype, little-endian, row-major. Whoever
	// carries the call may read it after the call has ended.
	X []byte
	// Release returns X's memory to its pool; nil when there is none. Whoever
	// carries the call calls it once, when nothing reads X any more.
	Release func()
	// Groups lists, per expert in ascending order, which rows of X it gets.
	Groups []Group
}

// Group is the share of one expert in a Call.
type Group struct {
	Expert int
	// Index holds ascending row numbers of Call.X.
	Index []int32
}

// OutRows is the number of rows a full Reply to the call carries: one per
// (row, expert).
func (c *Call) OutRows() int {
	n := 0
	for _, g := range c.Groups {
		n += len(g.Index)
	}
	return n
}

// Reply answers a Call.
type Reply struct {
	// Y is [OutRows, hidden] in the wire dtype: the groups of the call one
	// after another, each in the order of its Index.
	Y []byte
	// Newer is the newest placement the node knows when its epoch is above the
	// call's, else nil.
	Newer *Placement
	// Queue and Compute say where the node spent its time.
	Queue, Compute time.Duration
	// Release returns the memory of Y, and perhaps of the reply, to its pool; nil
	// when there is none. Whoever has the reply calls it once, and touches
	// neither afterwards.
	Release func()
}

// Free calls Release once, if there is one.
func (r *Reply) Free() {
	if r != nil && r.Release != nil {
		release := r.Release
		r.Release, r.Y = nil, nil
		release()
	}
}

// Ticket is a call on its way, in the memory of whoever began it. It may be
// used again once Done has been told.
type Ticket struct {
	// Done is told once how the call ended: with its reply, or with an error that
	// is an *Error or counts as Unreachable. It may be told before the call was
	// begun, from any goroutine, and must not block.
	Done func(*Reply, error)
	// Carrier and Number are the transport's.
	Carrier any
	Number  uint64
}

// Carrier carries calls to replicas.
type Carrier interface {
	// Start begins a call and returns at once. The rows of c are read until its
	// Release is called, or for ever; the rest of c is not read any more once
	// t.Done has been told.
	Start(to Replica, c *Call, t *Ticket)
	// Cancel gives a call up: its Done is told soon, if it has not been. Whoever
	// began the call may cancel it until he has taken notice of its end.
	Cancel(t *Ticket)
}

// Await carries one call and waits for its end, or gives it up with ctx.
func Await(ctx context.Context, by Carrier, to Replica, c *Call) (reply *Reply, err error) {
	ended := make(chan struct{})
	t := &Ticket{Done: func(r *Reply, e error) {
		reply, err = r, e
		close(ended)
	}}
	by.Start(to, c, t)
	select {
	case <-ended:
		return reply, err
	case <-ctx.Done():
	}
	by.Cancel(t)
	<-ended
	if err != nil && KindOf(err) == Unreachable {
		return nil, &Error{Op: "expert call", Node: to.Node, Kind: Unreachable, Err: ctx.Err()}
	}
	return reply, err
}
