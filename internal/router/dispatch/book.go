package dispatch

import (
	"errors"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// book is what a dispatcher knows of its nodes; d.mu guards it.
type book struct {
	records  map[moe.NodeID]*record
	suspects suspicion
	budget   budget
	aware    awareness
	turn     uint64
	stats    Stats
	idle     []*layerRun // memory of runs that ended
}

func newBook() book {
	return book{records: map[moe.NodeID]*record{}, suspects: suspicion{}, budget: budget{hedgeBurst}}
}

func (b *book) record(node moe.NodeID) *record {
	r := b.records[node]
	if r == nil {
		r = &record{}
		b.records[node] = r
	}
	return r
}

// patience is the node's own or, while too little is known of it, the longest of
// any: a node that falls silent before it is known must not cost a timeout.
func (b *book) patience(node moe.NodeID, rows int) time.Duration {
	if p := b.record(node).patience(rows); p > 0 {
		return p
	}
	var longest time.Duration
	for _, r := range b.records {
		longest = max(longest, r.patience(rows))
	}
	return longest
}

// plan assigns tasks to replicas in l.planned and books them. Tasks without an
// untried replica come back as stuck.
func (d *Dispatcher) plan(l *layerRun, todo []*task) (stuck []*task) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.book.turn++
	c := choices{
		suspected: func(n moe.NodeID) bool { return d.book.suspects.has(n, now) },
		cost:      func(n moe.NodeID) float64 { return d.book.record(n).cost(now, 1) },
		local:     d.cfg.Local, turn: d.book.turn,
	}
	for _, t := range todo {
		to, ok := c.pick(l.replicas(t.expert), t.tried)
		if !ok {
			stuck = append(stuck, t)
			continue
		}
		a := l.share(to)
		a.tasks, a.rows = append(a.tasks, t), a.rows+len(t.slots)
		t.tried, t.live = append(t.tried, to.Node), t.live+1
		d.book.record(to.Node).groups++
	}
	for _, a := range l.planned {
		a.waits = waits{give: d.timeout(a.rows)}
		if !d.cfg.Patient {
			a.waits = waitsFor(d.book.patience(a.to.Node, a.rows), &d.book.aware, a.waits.give)
		}
		d.book.budget.earn(a.rows)
		d.book.stats.Calls++
		d.book.stats.Rows += uint64(a.rows)
	}
	return stuck
}

// timeout bounds one call by its size.
func (d *Dispatcher) timeout(rows int) time.Duration {
	return d.cfg.CallTimeout + time.Duration(rows)*d.cfg.RowTimeout
}

// ended books that a call is not in flight any more.
func (d *Dispatcher) ended(a *attempt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.book.record(a.to.Node).groups -= len(a.tasks)
}

// settle records what a call's end says about its node.
func (d *Dispatcher) settle(a *attempt) {
	if a.err == nil {
		d.learn(a)
		d.Trust(a.to.Node)
		return
	}
	kind := kindOf(a.err)
	var e *moe.Error
	if errors.As(a.err, &e) {
		d.Adopt(e.Newer)
	}
	if kind == moe.Unreachable || kind == moe.Corrupt {
		d.accuse(a.to.Node, time.Since(a.started))
	}
	d.failover(a.to.Node, kind, a.rows)
}

// learn books a reply.
func (d *Dispatcher) learn(a *attempt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.book.record(a.to.Node)
	r.strikes = 0
	now := time.Now()
	took := now.Sub(a.started)
	r.observe(now, a.rows, len(a.tasks), took, a.busy, a.late)
	r.stats.Answered.observe(took)
	if a.hedge && len(unfinished(a.tasks)) == 0 {
		d.book.stats.HedgesWon++
	}
}

// strikesOut is how many calls in a row may be overtaken before their node
// counts as failing.
const strikesOut = 2

// lost books a call that was given up because others brought its rows.
func (d *Dispatcher) lost(a *attempt) {
	d.mu.Lock()
	r := d.book.record(a.to.Node)
	out := false
	if a.late && !a.hedge {
		r.windows[bucketOf(a.rows)].observe(time.Since(a.started), true)
		r.strikes++
		out = r.strikes >= strikesOut
	}
	d.mu.Unlock()
	if out {
		d.accuse(a.to.Node, time.Since(a.started))
	}
}

// mayHedge takes the rows of tasks out of the budget.
func (d *Dispatcher) mayHedge(todo []*task) bool {
	rows := rowsOf(todo)
	d.mu.Lock()
	defer d.mu.Unlock()
	if rows == 0 || !d.book.budget.spend(rows) {
		return false
	}
	d.book.stats.Hedges++
	d.book.stats.HedgedRows += uint64(rows)
	return true
}

// another reports that a replica has not been tried: an unsuspected one, unless
// any will do.
func (d *Dispatcher) another(list []moe.Replica, tried []moe.NodeID, any bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	c := choices{
		suspected: func(n moe.NodeID) bool { return d.book.suspects.has(n, now) },
		cost:      func(moe.NodeID) float64 { return 0 }, local: d.cfg.Local,
	}
	to, ok := c.pick(list, tried)
	return ok && (any || !c.suspected(to.Node))
}

// woke notes by how much a timer was late.
func (d *Dispatcher) woke(now time.Time, late time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.book.aware.woke(now, late)
}

// failover tells that rows are asked for elsewhere.
func (d *Dispatcher) failover(node moe.NodeID, kind moe.Kind, rows int) {
	d.mu.Lock()
	d.book.record(node).stats.Failovers++
	d.mu.Unlock()
	if d.cfg.OnFailover != nil {
		d.cfg.OnFailover(node, kind, rows)
	}
}

// borrow takes the memory of a run that ended, or makes some.
func (d *Dispatcher) borrow() *layerRun {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.book.idle); n > 0 {
		l := d.book.idle[n-1]
		d.book.idle = d.book.idle[:n-1]
		return l
	}
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &layerRun{d: d, timer: timer, ended: mailbox{filled: make(chan struct{}, 1)}}
}

// giveBack keeps the memory of a run: no call of it is in flight any more.
func (d *Dispatcher) giveBack(l *layerRun) {
	l.h, l.placement = tensor.Matrix{}, nil
	d.mu.Lock()
	defer d.mu.Unlock()
	d.book.idle = append(d.book.idle, l)
}
