package sim

import (
	"errors"
	"slices"
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
	// While planning, calls are not sent but planned.
	planning bool
	zero     []byte
}

// call is one expert call and its reply on their way. It is used again after an answer;
// one that ends in another way is left to the garbage collector.
type call struct {
	world *world
	owner *layerJob
	from  *router
	to    *node
	phase phase
	bytes int

	call    *moe.Call // the router's, until it gives the call up
	epoch   moe.Epoch
	outputs int
	at      time.Duration // when it, or its reply, is received
	task    batcher.Task
	slot    int // in node.present; -1 is not there
	reply   moe.Reply
	failure error

	pending *moe.PendingCall // nil once the router's end is over
	moving  bool             // an event, the node's queue or its batch refers to the call
}

// phase is what happens to a call next.
type phase int

const (
	reachesNode   phase = iota // at its NIC
	isReceived                 // by the node
	reachesRouter              // the reply, at its NIC
	isRefused                  // the router hears that the node is not there
)

// Overheads of messages, bytes: headers of TCP, HTTP/2 and the call, and per row of a
// call an index.
const (
	headerBytes = 128
	indexBytes  = 4
)

// Start implements moe.Transport.
func (t *transport) Start(to moe.Replica, c *moe.Call, p *moe.PendingCall) {
	w, a := t.from.world, &t.from.ahead
	one := a.newCall()
	one.from, one.to, one.pending = t.from, w.nodeAt(to.Addr), p
	c.Router = t.from.id
	t.take(c)
	one.call, one.epoch, one.outputs = c, c.Epoch, c.OutRows()
	one.moving = one.to != nil && !(w.cuts && one.to.cut) // else no answer will come
	one.phase, one.bytes = reachesNode, headerBytes+c.Rows*w.scenario.Shape.RowBytes+one.outputs*indexBytes
	p.State = one
	if t.planning {
		a.planned = append(a.planned, one)
		return
	}
	one.send(t.sender)
}

// take takes the rows of a call over from the router: their values are of no account.
func (t *transport) take(c *moe.Call) {
	c.X = zeros(&t.zero, len(c.X))
	c.Release()
	c.Release = nil
}

// send sends a call of a layer.
func (c *call) send(by *layerJob) {
	c.owner = by
	c.world.stats.calls++
	by.sent()
	if c.moving {
		c.from.depart(c.bytes, c)
	}
}

// Cancel implements moe.Transport: the call ends at once for the router, and soon for the
// node.
func (t *transport) Cancel(p *moe.PendingCall) {
	one := p.State.(*call)
	if one.pending != p {
		return
	}
	one.pending = nil
	one.keepCall()
	p.Done(nil, errCanceled)
	if !one.moving {
		return
	}
	to := one.to
	loop := &one.world.loop
	loop.AtLocal(loop.Now()+one.world.scenario.Network.P50, event.Func(func() {
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

// newCall takes a spare call, or makes one.
func (a *ahead) newCall() *call {
	if n := len(a.spare); n > 0 {
		c := a.spare[n-1]
		a.spare = a.spare[:n-1]
		c.reply, c.failure = moe.Reply{}, nil
		return c
	}
	c := &call{world: a.router.world, slot: -1}
	c.task.Done = c.computed
	return c
}

// keepCall copies what the node may still read of a call that ends for the router, whose
// memory it is.
func (c *call) keepCall() {
	from := c.call
	if !c.moving {
		return
	}
	kept := &moe.Call{
		Router: from.Router, Fingerprint: from.Fingerprint, Epoch: from.Epoch, Layer: from.Layer, Rows: from.Rows, X: from.X,
	}
	for _, g := range from.Groups {
		kept.Groups = append(kept.Groups, moe.Group{Expert: g.Expert, Index: slices.Clone(g.Index)})
	}
	c.call, c.task.Call = kept, kept
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
	case isRefused:
		c.refused()
	}
}

func (c *call) reachNode() {
	switch {
	case c.to.cut:
		c.endMove()
	case !c.to.up:
		c.refuse()
	case c.take(&c.to.process):
		if c.phase = isReceived; c.to.shared {
			c.world.loop.AtLocal(c.at, c)
		} else {
			c.to.receive(c)
		}
	}
}

// take lets a process receive the message that has reached its NIC, at c.at. It is false
// where the message is dropped and comes again.
func (c *call) take(by *process) bool {
	at, dropped := by.arrive(c.bytes)
	c.at = at
	if dropped {
		c.world.loop.AtLocal(at, c)
	}
	return !dropped
}

// refuse tells the router that the node is not there.
func (c *call) refuse() {
	c.failure, c.phase = errDead, isRefused
	loop := &c.world.loop
	loop.AtLocal(loop.Now()+c.world.latency.Draw(c.world.random), c)
}

func (c *call) receive() {
	if !c.to.up {
		c.refuse()
		return
	}
	c.to.receive(c)
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
		c.reply.Y, c.reply.Newer = c.task.Y, c.to.newer(c.epoch)
		c.bytes += c.outputs * c.world.scenario.Shape.RowBytes
	}
	c.to.depart(c.bytes, c)
}

func (c *call) reachRouter() {
	if c.to.cut || !c.from.up || c.pending == nil {
		c.endMove()
		return
	}
	if c.take(&c.from.process) {
		c.from.keep(c)
	}
}

// refused ends the call at the router, to which the node is not there.
func (c *call) refused() {
	c.at = c.world.loop.Now()
	if c.pending == nil || !c.from.up {
		c.endMove()
		return
	}
	c.from.catchUp()
	c.owner.heard(c)
	c.answer()
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
	if !c.from.up {
		c.pending = nil
	}
}

// reading is where the node of a call spent its time.
type reading struct{ queue, compute time.Duration }
