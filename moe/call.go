package moe

import (
	"context"
	"time"
)

// Call is one message from a router to a node: the rows of one layer that
// go to experts of that node. It is idempotent: an expert is a pure function,
// so a call may be sent again, to any replica, at any time.
type Call struct {
	// Router names the caller, so that a node can serve routers in turn; the
	// answer does not depend on it. The transport sets it.
	Router      RouterID
	Fingerprint Fingerprint
	// Epoch is the placement the router used. It is information for the node,
	// never a reason to refuse.
	Epoch Epoch
	Layer int
	// Rows is the number of rows in X. Each row is sent once even when several
	// of its experts live on the node.
	Rows int
	// X is [Rows, hidden] in the wire dtype, little-endian, row-major. The
	// transport may read it after the call has ended, until it calls Release.
	X []byte
	// Release returns X's memory to its pool; nil when there is none. The
	// transport calls it once, when nothing reads X any more.
	Release func()
	// Trace is the span of the call, if its token is traced.
	Trace TraceContext
	// Groups lists, per expert in ascending order, which rows of X it gets.
	Groups []Group
}

// TraceContext names a sampled span, as W3C Trace Context does; zero is none.
type TraceContext struct {
	TraceID [16]byte
	SpanID  [8]byte
}

// IsZero reports that there is no span.
func (t TraceContext) IsZero() bool { return t == TraceContext{} }

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
	// when there is none. The receiver of the reply calls it once, and touches
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

// PendingCall is a call between Start and its end. The caller owns its memory
// and may use it for another call after Done has returned.
type PendingCall struct {
	// Done receives the end of the call once: its reply, or an error that is an
	// *Error or counts as Unreachable. The transport may call Done before Start
	// returns, from any goroutine. Done must not block.
	Done func(*Reply, error)
	// State and Number belong to the transport.
	State  any
	Number uint64
}

// Transport carries calls to replicas.
type Transport interface {
	// Start begins a call and returns at once. The transport may read c.X until
	// it calls c.Release, which it may never do if the connection breaks. It does
	// not touch any other field of c after p.Done has returned.
	Start(to Replica, c *Call, p *PendingCall)
	// Cancel gives a call up: Done receives its end soon, if it has not yet. The
	// caller may Cancel until it has processed Done.
	Cancel(p *PendingCall)
}

// Await carries one call and waits for its end, or gives it up with ctx.
func Await(ctx context.Context, by Transport, to Replica, c *Call) (reply *Reply, err error) {
	ended := make(chan struct{})
	p := &PendingCall{Done: func(r *Reply, e error) {
		reply, err = r, e
		close(ended)
	}}
	by.Start(to, c, p)
	select {
	case <-ended:
		return reply, err
	case <-ctx.Done():
	}
	by.Cancel(p)
	<-ended
	if err != nil && KindOf(err) == Unreachable {
		return nil, &Error{Op: "expert call", Node: to.Node, Kind: Unreachable, Err: ctx.Err()}
	}
	return reply, err
}
