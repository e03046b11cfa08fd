package dispatch

import (
	"errors"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// nodeTracker is what a dispatcher has measured of its nodes and of itself.
// Dispatcher.mu guards it; the critical sections neither block nor allocate in
// the steady state.
type nodeTracker struct {
	records map[moe.NodeID]*record
	fresh   []record   // of nodes to come
	unused  []measured // the same
	began   time.Time
	budget  budget
	health  localHealth
	turn    uint64 // counts plans
	stats   Stats
	runs    []*layerRun // memory of runs that ended
	// longest is the longest patience of all records, by bucket. Where fallen, it may be
	// shorter by now.
	longest [rowBuckets]time.Duration
	fallen  [rowBuckets]bool
}

func newNodeTracker(now time.Time) nodeTracker {
	return nodeTracker{records: map[moe.NodeID]*record{}, began: now.Add(-longAgo), budget: budget{hedgeBurst}}
}

// longAgo is long before a dispatcher begins: what was measured then counts for nothing.
const longAgo = 10000 * time.Hour

// since is a time as one of record.seen.
func (n *nodeTracker) since(now time.Time) time.Duration { return now.Sub(n.began) }

// record finds the record of a node, or adds an empty one.
func (n *nodeTracker) record(node moe.NodeID) *record {
	r := n.records[node]
	if r == nil {
		const together = 64
		if len(n.fresh) == 0 {
			n.fresh, n.unused = make([]record, together), make([]measured, together)
		}
		r, n.fresh = &n.fresh[0], n.fresh[1:]
		r.measured, n.unused = &n.unused[0], n.unused[1:]
		n.records[node] = r
	}
	return r
}

// patience is the node's own. For an unmeasured node it is the longest of all
// nodes: without one, a node that is silent from its first call on would hold up
// a layer for the whole CallTimeout.
func (n *nodeTracker) patience(node *record, rows int) time.Duration {
	at := bucketOf(rows)
	if p := node.windows[at].wait; p > 0 {
		return p
	}
	if p := node.waits[at]; p > 0 {
		return p
	}
	if n.fallen[at] {
		n.longest[at], n.fallen[at] = 0, false
		for _, r := range n.records {
			n.longest[at] = max(n.longest[at], r.waits[at])
		}
	}
	return n.longest[at]
}

// sample takes the latency of a call, and keeps what follows of it: with many nodes, a
// plan cannot look at all of them.
func (n *nodeTracker) sample(r *record, rows int, took time.Duration, delayed bool) {
	size := bucketOf(rows)
	w := &r.windows[size]
	if !w.observe(took, delayed) {
		return
	}
	w.wait = w.patience()
	r.own[size] = w.wait
	for at, before := range r.waits {
		r.waits[at] = r.patience(at)
		switch now := r.waits[at]; {
		case now >= n.longest[at]:
			n.longest[at], n.fallen[at] = now, false
		case before == n.longest[at]:
			n.fallen[at] = true
		}
	}
}

// plan assigns tasks to replicas, as attempts in l.planned that are recorded as
// in flight. Tasks without an untried replica are returned as stuck.
func (d *Dispatcher) plan(l *layerRun, todo []*task) (stuck []*task) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nodes.turn++
	now := d.cfg.Now()
	ranking := ranking{l.routes, now, d.nodes.since(now), d.cfg.Local, d.nodes.turn, l.anySuspected(todo)}
	for _, t := range todo {
		host := ranking.pick(l.replicas(t.expert), t.tried)
		if host == none {
			stuck = append(stuck, t)
			continue
		}
		a := l.attemptTo(host, uint32(d.nodes.turn))
		a.tasks, a.rows = append(a.tasks, t), a.rows+len(t.slots)
		t.tried, t.attempts = append(t.tried, a.node), t.attempts+1
		// At once, so that the next task of this plan sees the load of this one.
		a.node.groups++
	}
	if !d.cfg.DisableHedging {
		for _, a := range l.planned { // nothing else, so that the processor fetches several at a time
			a.patience = d.nodes.patience(a.node, a.rows)
		}
	}
	for _, a := range l.planned {
		a.waits = waitsFor(a.patience, &d.nodes.health, d.timeout(a.rows))
		d.nodes.budget.earn(a.rows)
		d.nodes.stats.Calls++
		d.nodes.stats.Rows += uint64(a.rows)
	}
	return stuck
}

// timeout is abandonAfter of a call.
func (d *Dispatcher) timeout(rows int) time.Duration {
	return d.cfg.CallTimeout + time.Duration(rows)*d.cfg.RowTimeout
}

// recordFailure records what a failed attempt says about its node.
func (d *Dispatcher) recordFailure(a *attempt) {
	kind := kindOf(a.err)
	var e *moe.Error
	if errors.As(a.err, &e) {
		d.Adopt(e.Newer)
	}
	d.mu.Lock()
	a.node.groups -= len(a.tasks)
	if kind == moe.Unreachable || kind == moe.Corrupt {
		a.node.suspect(a.ended, a.ended.Sub(a.started))
	}
	d.mu.Unlock()
	d.recordFailover(a, kind, a.rows)
}

// recordReplies records the latencies of the calls that were answered, and trusts their
// nodes. Of many nodes each has left the cache: a short loop for each of the lines that a
// call touches lets the processor fetch those of several nodes at the same time.
func (l *layerRun) recordReplies() {
	if len(l.answered) == 0 {
		return
	}
	d := l.d
	if d.cfg.OnReply != nil {
		for _, a := range l.answered {
			d.cfg.OnReply(a.to.Node)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range l.answered {
		r := a.node
		r.groups -= len(a.tasks)
		r.overtaken = 0
		r.observe(d.nodes.since(a.ended), len(a.tasks), a.took(), a.busy)
		if r.trust() {
			d.signal()
		}
	}
	for _, a := range l.answered {
		d.nodes.sample(a.node, a.rows, a.took(), a.late)
	}
	for _, a := range l.answered {
		s := &a.node.stats
		s.Answered.observe(a.took())
		s.Bytes += uint64((a.call.Rows + a.rows) * d.cfg.Hidden * d.cfg.Wire.Size())
		if a.hedge && !anyOpen(a.tasks) {
			d.nodes.stats.HedgesWon++
			s.HedgesWon++
		}
	}
	l.answered = l.answered[:0]
}

// maxOvertaken is how many calls in a row may be overtaken before their node is
// suspected. One is chance; every overtaken call has cost a hedge.
const maxOvertaken = 2

// recordOvertaken records an attempt that was canceled because others brought
// its rows. Only a late one counts against its node: a hedge loses to the
// original in the usual case, and a failed layer cancels punctual calls too.
func (d *Dispatcher) recordOvertaken(a *attempt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := a.node
	r.groups -= len(a.tasks)
	if !a.late || a.hedge {
		return
	}
	now := d.cfg.Now()
	took := now.Sub(a.started)
	d.nodes.sample(r, a.rows, took, true)
	if r.overtaken++; r.overtaken >= maxOvertaken {
		r.suspect(now, took)
	}
}

// spendHedge takes the rows of tasks out of the hedge budget; false if it is too
// small or there are none.
func (d *Dispatcher) spendHedge(todo []*task) bool {
	rows := rowsOf(todo)
	d.mu.Lock()
	defer d.mu.Unlock()
	if rows == 0 || !d.nodes.budget.spend(rows) {
		return false
	}
	d.nodes.stats.Hedges++
	d.nodes.stats.HedgedRows += uint64(rows)
	return true
}

// hasUntriedReplica reports that a task may be sent to another replica: an
// unsuspected one, unless suspectedToo.
func (d *Dispatcher) hasUntriedReplica(nodes []*record, list []int32, tried []*record, suspectedToo bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.cfg.Now()
	return slices.ContainsFunc(list, func(host int32) bool {
		node := nodes[host]
		return !slices.Contains(tried, node) && (suspectedToo || !node.suspected.last(now))
	})
}

// observeTimerLag records by how much a timer fired late.
func (d *Dispatcher) observeTimerLag(now time.Time, lag time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nodes.health.observe(now, lag)
}

// recordFailover records that rows of an attempt are sent to another replica.
func (d *Dispatcher) recordFailover(a *attempt, kind moe.Kind, rows int) {
	d.mu.Lock()
	a.node.stats.Failovers++
	d.mu.Unlock()
	if d.cfg.OnFailover != nil {
		d.cfg.OnFailover(a.to.Node, kind, rows)
	}
}

// borrowRun takes the memory of a run that ended, or makes some. There are as
// many runs as layers were ever computed at the same time.
func (d *Dispatcher) borrowRun() *layerRun {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.nodes.runs); n > 0 {
		l := d.nodes.runs[n-1]
		d.nodes.runs = d.nodes.runs[:n-1]
		return l
	}
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &layerRun{d: d, timer: timer, layerCalls: layerCalls{ended: mailbox{filled: make(chan struct{}, 1)}}}
}

// returnRun keeps the memory of a run that has no call in flight.
func (d *Dispatcher) returnRun(l *layerRun) {
	l.h, l.routes = tensor.Matrix{}, nil
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nodes.runs = append(d.nodes.runs, l)
}
