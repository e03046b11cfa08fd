package dispatch

import (
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/hachi-serve/hachi/moe"
)

// attempt is one call to one replica for some tasks. A run uses its memory, the
// call's included, again after it has settled.
type attempt struct {
	to    moe.Replica
	node  *record // of to.Node
	tasks []*task
	rows  int // (row, expert) pairs
	place int // in layerCalls.inFlight

	call    moe.Call
	index   []int32 // memory of the indices of all groups of the call
	pending moe.PendingCall

	reply *moe.Reply    // how the call ended: written by the transport before
	err   error         // it puts the attempt into the mailbox
	ended time.Time     // when
	busy  time.Duration // queue and compute time that the node reported

	span    trace.Span // nil where the step is not traced
	started time.Time
	waits   waits
	// patience is the node's, at the plan; 0 is not known, or not looked at.
	patience time.Duration
	stage    stage
	late     bool // it passed hedgeAfter
	hedge    bool // it was sent because another attempt is late

	room struct { // of a call with one task, beside all else
		tasks  [1]*task
		groups [1]moe.Group
		index  [4]int32
	}
}

// took is how long the call took that has ended.
func (a *attempt) took() time.Duration { return a.ended.Sub(a.started) }

// stage is how far an attempt has escalated; see the drawing in doc.go. Settled
// is no stage: a settled attempt is in layerCalls.free.
type stage int

const (
	sent      stage = iota
	hedged          // hedgeAfter has passed
	suspected       // suspectAfter has passed
	abandoned       // canceled; its end is awaited
)

// newAttempt is an attempt without tasks. The attempts of a layer lie one after another in
// memory.
func (l *layerRun) newAttempt(host int32) *attempt {
	if l.used == len(l.all) && len(l.free) == 0 {
		l.addAttempts()
	}
	var a *attempt
	if l.used < len(l.all) {
		a = l.all[l.used]
		l.used++
	} else {
		a, l.free = l.free[len(l.free)-1], l.free[:len(l.free)-1]
	}
	a.to, a.node, a.tasks, a.rows, a.patience = l.routes.hosts[host], l.routes.nodes[host], a.tasks[:0], 0, 0
	a.reply, a.err, a.stage, a.late, a.hedge, a.span = nil, nil, sent, false, false, nil
	return a
}

// addAttempts adds free attempts.
func (l *layerRun) addAttempts() {
	more := make([]attempt, 16)
	for i := range more {
		a := &more[i]
		a.tasks, a.call.Groups, a.index = a.room.tasks[:0], a.room.groups[:0], a.room.index[:0]
		a.pending.Done = func(reply *moe.Reply, err error) {
			a.reply, a.err, a.ended = reply, err, l.d.cfg.Now()
			l.ended.put(a)
		}
		l.all = append(l.all, a)
	}
}

// attemptTo finds the attempt of a plan that goes to a replica, or adds one: tasks of
// one node share a call.
func (l *layerRun) attemptTo(host int32, turn uint32) *attempt {
	node := l.routes.nodes[host]
	if node.turn == turn && int(node.place) < len(l.planned) && l.planned[node.place].to == l.routes.hosts[host] {
		return l.planned[node.place]
	}
	a := l.newAttempt(host)
	node.turn, node.place = turn, uint32(len(l.planned))
	l.planned = append(l.planned, a)
	return a
}

// encodeCall writes the call of an attempt: each row once, however many of its
// experts are on the node, and groups in ascending order of expert. The
// transport owns c.X until it calls c.Release.
func (l *layerRun) encodeCall(a *attempt) *moe.Call {
	c := &a.call
	c.Fingerprint, c.Epoch, c.Layer, c.Groups = l.d.cfg.Fingerprint, l.routes.placement.Epoch(), l.layer, c.Groups[:0]
	c.Trace = moe.TraceContext{}
	// Grown once: the groups below keep parts of it.
	a.index = slices.Grow(a.index[:0], a.rows)
	if len(a.tasks) == 1 {
		l.encodeTask(a, a.tasks[0])
		return c
	}
	l.encodeRows(c, l.numberRows(a.tasks))
	for _, t := range a.tasks {
		from := len(a.index)
		for _, slot := range t.slots {
			a.index = append(a.index, l.rowAt[int(slot)/l.k])
		}
		c.Groups = append(c.Groups, moe.Group{Expert: t.expert, Index: a.index[from:len(a.index):len(a.index)]})
	}
	return c
}

// encodeTask writes the rows and the group of the only task of a call. It looks at no
// other row of the layer: with many nodes most calls have one task.
func (l *layerRun) encodeTask(a *attempt, t *task) {
	c, size := &a.call, l.rowBytes()
	c.X, c.Release = l.d.memory.Get(len(t.slots) * size)
	c.Rows = 0
	last := -1
	for _, slot := range t.slots {
		if row := int(slot) / l.k; row != last {
			copy(c.X[c.Rows*size:(c.Rows+1)*size], l.wire[row*size:(row+1)*size])
			last = row
			c.Rows++
		}
		a.index = append(a.index, int32(c.Rows-1))
	}
	c.X = c.X[:c.Rows*size]
	c.Groups = append(c.Groups, moe.Group{Expert: t.expert, Index: a.index[:len(a.index):len(a.index)]})
}

// encodeRows writes the rows that numberRows has numbered.
func (l *layerRun) encodeRows(c *moe.Call, rows int) {
	size := l.rowBytes()
	c.Rows = rows
	c.X, c.Release = l.d.memory.Get(rows * size)
	for row, i := range l.rowAt {
		if i >= 0 {
			copy(c.X[int(i)*size:(int(i)+1)*size], l.wire[row*size:(row+1)*size])
		}
	}
}

// numberRows sets l.rowAt[row] to the place in the call of each row that the
// tasks need, ascending, and to -1 for the others. It returns the number of
// places.
func (l *layerRun) numberRows(tasks []*task) int {
	for i := range l.rowAt {
		l.rowAt[i] = -1
	}
	for _, t := range tasks {
		for _, slot := range t.slots {
			l.rowAt[int(slot)/l.k] = 0
		}
	}
	rows := int32(0)
	for row, used := range l.rowAt {
		if used == 0 {
			l.rowAt[row] = rows
			rows++
		}
	}
	return int(rows)
}
