package moe

import "time"

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
	// Release returns Y's memory to its pool; nil when there is none. Whoever
	// has the reply calls it once, and does not touch Y afterwards.
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
