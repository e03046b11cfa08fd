package sim

import (
	"errors"
	"time"

	"github.com/hachi-serve/hachi/internal/expertnode/batcher"
	"github.com/hachi-serve/hachi/internal/sim/event"
	"github.com/hachi-serve/hachi/moe"
)

// transport carries the calls of one router through the simulated network: it is the
// moe.Transport of the router's dispatcher.
type transport struct {
	from *router
	// sender is the layer whose dispatcher runs now: calls that it starts are its own.
	sender *layerJob
}

// call is one expert call and its reply on their way. It is used again after both ends
// have left it.
type call struct {
	world *world
	owner *layerJob
	from  *router
	to    *node
	phase phase
	bytes int

	call    moe.Call // of the node's, with memory of its own
	index   []int32
	task    batcher.Task
	slot    int // in node.present; -1 is not there
	reply   moe.Reply
	failure error

	pending *moe.PendingCall // nil once the router's end is over
	moving  bool             // an event, the node's queue or its batch refers to the call
	next    *call            // in the list of free calls
}

// phase is what happens to a call next.
type phase int

const (
	reachesNode   phase = iota // at its NIC
	isReceived                 // by the node
	reachesRouter              // the reply, at its NIC
	isAnswered                 // by the reply or a failure
)

// Overheads of messages, bytes: headers of TCP, HTTP/2 and the call, and per row of a
// call an index.
const (
	headerBytes = 128
	indexBytes  = 4
)

// Start implements moe.Transport.
func (t *transport) Start(to moe.Replica, c *moe.Call, p *moe.PendingCall) {
	w := t.from.world
	one := w.newCall()
	one.owner, one.from, one.to, one.pending, one.moving = t.sender, t.from, w.nodes[to.Node], p, true
	one.copyCall(c)
	if c.Release != nil {
		c.Release()
	}
	p.State = one
	w.stats.calls++
	outputs := one.call.OutRows()
	if one.to == nil || one.to.cut {
		one.moving = false // no answer will come
		return
	}
	one.phase, one.bytes = reachesNode, headerBytes+c.Rows*w.scenario.Shape.RowBytes+outputs*indexBytes
	w.loop.At(t.from.depart(one.bytes), one)
}

// Cancel implements moe.Transport: the call ends at once for the router, and soon for the
// node.
func (t *transport) Cancel(p *moe.PendingCall) {
	one := p.State.(*call)
	if one.pending != p {
		return
	}
	one.pending = nil
	p.Done(nil, errCanceled)
	if !one.moving {
		one.world.free(one)
		return
	}
	to := one.to
	one.world.loop.After(one.world.scenario.Network.P50, event.Func(func() {
		// The call is this one still: it is not free while it moves.
		if one.pending == nil && one.to == to && one.slot >= 0 && to.up && to.batcher.Cancel(&one.task) {
			one.leaveNode()
			one.endMove()
		}
	}))
}

var (
	errCanceled = &moe.Error{Op: "expert call", Kind: moe.Unreachable, Err: errors.New("canceled")}
	errDead     = &moe.Error{Op: "expert call", Kind: moe.Unreachable, Err: errors.New("connection refused")}
)

// newCall takes a free call, or makes one.
func (w *world) newCall() *call {
	if c := w.freeCalls; c != nil {
		w.freeCalls, c.next = c.next, nil
		return c
	}
	c := &call{world: w, slot: -1}
	c.task.Done = c.computed
	return c
}

func (w *world) free(c *call) {
	c.owner, c.from, c.to, c.reply, c.failure = nil, nil, nil, moe.Reply{}, nil
	c.next, w.freeCalls = w.freeCalls, c
}

// copyCall takes what the node reads of a call: its memory is the router's.
func (c *call) copyCall(from *moe.Call) {
	c.call = moe.Call{
		Router: c.from.id, Fingerprint: from.Fingerprint, Epoch: from.Epoch, Layer: from.Layer, Rows: from.Rows,
		X: c.world.zeros(from.Rows * rowBytes), Groups: c.call.Groups[:0],
	}
	c.index = c.index[:0]
	for _, g := range from.Groups {
		c.index = append(c.index, g.Index...)
	}
	rest := c.index
	for _, g := range from.Groups {
		c.call.Groups = append(c.call.Groups, moe.Group{Expert: g.Expert, Index: rest[:len(g.Index):len(g.Index)]})
		rest = rest[len(g.Index):]
	}
}

// Fire implements event.Handler.
func (c *call) Fire() {
	switch c.phase {
	case reachesNode:
		c.reachNode()
	case isReceived:
		c.receive()
	case reachesRouter:
		c.reachRouter()
	case isAnswered:
		c.answer()
	}
}

func (c *call) reachNode() {
	switch {
	case c.to.cut:
		c.endMove()
	case !c.to.up:
		c.refuse()
	default:
		c.take(&c.to.process, isReceived)
	}
}

// take lets a process receive the message that has reached its NIC.
func (c *call) take(by *process, then phase) {
	at, dropped := by.arrive(c.bytes)
	if !dropped {
		c.phase = then
	}
	c.world.loop.At(at, c)
}

// refuse tells the router that the node is not there.
func (c *call) refuse() {
	c.failure, c.phase = errDead, isAnswered
	c.world.loop.After(c.world.scenario.Network.Draw(c.world.random), c)
}

func (c *call) receive() {
	if !c.to.up {
		c.refuse()
		return
	}
	if c.pending == nil { // canceled on its way
		c.endMove()
		return
	}
	if err := c.to.serve(c); err != nil {
		c.sendReply(err)
	}
}

// computed is the task's Done.
func (c *call) computed(err error) {
	c.leaveNode()
	if err == nil {
		c.reply = moe.Reply{Queue: c.task.Queue, Compute: c.task.Compute}
	}
	c.sendReply(err)
}

// sendReply sends the reply, or why there is none, to the router.
func (c *call) sendReply(err error) {
	if c.to.cut || c.pending == nil {
		c.endMove()
		return
	}
	c.failure, c.phase, c.bytes = err, reachesRouter, headerBytes
	if err == nil {
		outputs := c.call.OutRows()
		c.reply.Y, c.reply.Newer = c.world.zeros(outputs*rowBytes), c.to.newer(c.call.Epoch)
		c.bytes += outputs * c.world.scenario.Shape.RowBytes
	}
	c.world.loop.At(c.to.depart(c.bytes), c)
}

func (c *call) reachRouter() {
	if c.to.cut || !c.from.up || c.pending == nil {
		c.endMove()
		return
	}
	c.take(&c.from.process, isAnswered)
}

// answer ends the call at the router.
func (c *call) answer() {
	p, owner := c.pending, c.owner
	c.pending = nil
	if p != nil && c.from.up {
		if c.failure != nil {
			p.Done(nil, c.failure)
		} else {
			owner.last = reading{c.reply.Queue, c.reply.Compute}
			p.Done(&c.reply, nil)
		}
		owner.wake(c.failure != nil)
	}
	c.endMove()
}

// endMove says that nothing of the simulation refers to the call any more.
func (c *call) endMove() {
	c.moving = false
	if c.pending == nil || !c.from.up {
		c.pending = nil
		c.world.free(c)
	}
}

// reading is where the node of a call spent its time.
type reading struct{ queue, compute time.Duration }
