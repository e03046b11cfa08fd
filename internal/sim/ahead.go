package sim

import (
	"sync"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// ahead is what the dispatcher of a router has yet to do, where the run needs the result
// later than it knows of the work. A worker does it meanwhile; if none has by the time of
// the result, the run does it then. So the result is the same with any number of workers.
//
// There are two kinds of such work. The answers of a layer teach the dispatcher, and
// nothing but the next work of this dispatcher depends on what it learns. And while
// attention computes, the rows of its layer can be planned: that they are sent when it
// ends is known when it begins, unless calls of another micro-batch are in flight, or an
// event comes before that may touch the dispatcher. Such an event is global to the loop, or
// a report of the router; all others are local.
type ahead struct {
	router *router
	heard  []answer // to be submitted
	late   bool     // something may be undone: sync has work
	held   bool     // what is to be done with the dispatcher comes first

	mu      sync.Mutex // guards the fields below, and while they are worked on the dispatcher
	answers []answer
	done    int       // of the answers: the dispatcher has them
	settled int       // of those: their layer has settled them, and their calls are spare
	next    *layerJob // to be begun after the answers; nil is none
	layer   int       // of next
	at      time.Duration
	begun   bool    // next has been begun, and its calls wait in planned
	planned []*call // what the begun layer sends
	spare   []*call // that both ends have left
	fault   error
}

// answer is the answer to a call, for the dispatcher.
type answer struct {
	call    *call
	job     *layerJob
	at      time.Duration
	pending *moe.PendingCall
	last    bool // of its layer, which ends with it
}

// hear hands the answer to a call to the dispatcher. Its layer goes on with the last one.
func (r *router) hear(c *call) {
	j := c.owner
	j.last = reading{c.reply.Queue, c.reply.Compute}
	j.unanswered--
	r.ahead.heard = append(r.ahead.heard, answer{c, j, c.at, c.pending, j.unanswered == 0})
	c.pending = nil
	if j.unanswered == 0 {
		j.inFlight = false
		j.took = r.world.loop.Now() - j.began
		j.step.answered(j)
	}
}

// plan lets the rows of a layer be planned that are sent at a time, if it can be known now.
func (r *router) plan(j *layerJob, layer int, at time.Duration) {
	if r.ahead.held || r.shared || r.step.calls() {
		return
	}
	if global, ok := r.world.loop.NextGlobal(); r.reports <= at || (ok && global <= at) {
		return
	}
	r.ahead.submit(j, layer, at)
}

// submit lets a worker do what is known now.
func (a *ahead) submit(j *layerJob, layer int, at time.Duration) {
	a.lock()
	a.answers = append(a.answers, a.heard...)
	if j != nil {
		a.next, a.layer, a.at = j, layer, at
	}
	a.mu.Unlock()
	a.heard, a.late = a.heard[:0], true
	select {
	case a.router.world.ahead <- a:
	default: // the run does it, if no worker comes here before
	}
}

// sync does what is left, so that the dispatcher is the run's until the next submit.
func (a *ahead) sync() {
	if len(a.heard) == 0 && !a.late {
		return
	}
	a.lock()
	a.answers = append(a.answers, a.heard...)
	a.work()
	a.answers, a.done, a.settled, a.next = a.answers[:0], 0, 0, nil
	fault := a.fault
	a.mu.Unlock()
	a.heard, a.late = a.heard[:0], false
	if fault != nil {
		a.router.world.violate("%s: ahead of time: %v", a.router.name, fault)
	}
}

// begins sends the calls of a layer that has been planned; false if none has. It comes
// after sync.
func (a *ahead) begins(j *layerJob) bool {
	if !a.begun {
		return false
	}
	a.begun = false
	for _, c := range a.planned {
		c.send(j)
	}
	a.planned = a.planned[:0]
	return true
}

// employ makes workers, and returns what ends them.
func (w *world) employ(workers int) (end func()) {
	if workers <= 0 {
		return func() {}
	}
	w.ahead = make(chan *ahead, 4*len(w.routers))
	var all sync.WaitGroup
	for range workers {
		all.Go(func() { help(w.ahead) })
	}
	return func() {
		close(w.ahead)
		all.Wait()
	}
}

// patience is how often a goroutine looks again before it sleeps: some 100 us. To be
// woken takes longer than most of the work does.
const patience = 50_000

// lock locks a.mu for the run.
func (a *ahead) lock() {
	for range patience {
		if a.mu.TryLock() {
			return
		}
	}
	a.mu.Lock()
}

// help works until the run is over.
func help(work <-chan *ahead) {
	for {
		a, ok := take(work)
		if !ok {
			return
		}
		if a.mu.TryLock() { // else the run does it
			a.work()
			a.mu.Unlock()
		}
	}
}

// take waits for work; false at the end of the run.
func take(work <-chan *ahead) (a *ahead, ok bool) {
	for range patience {
		select {
		case a, ok = <-work:
			return a, ok
		default:
		}
	}
	a, ok = <-work
	return a, ok
}

// work does what is known. a.mu is held.
func (a *ahead) work() {
	r := a.router
	for ; a.done < len(a.answers); a.done++ {
		x := &a.answers[a.done]
		j := x.job
		r.clock = x.at
		x.pending.Done(&x.call.reply, nil)
		// Those of a layer that come one after another are settled together.
		if next := a.done + 1; !x.last && next < len(a.answers) && a.answers[next].job == j {
			continue
		}
		if err := j.layer.Settle(); err != nil {
			a.fault = err
		}
		for ; a.settled <= a.done; a.settled++ {
			a.spare = append(a.spare, a.answers[a.settled].call)
		}
		if x.last {
			j.layer.End()
		}
	}
	if j := a.next; j != nil && r.dispatcher.Placement() != nil { // with one, a layer can begin
		a.next, r.clock = nil, a.at
		r.transport.planning = true
		if err := j.send(a.layer); err != nil {
			a.fault = err
		}
		r.transport.planning = false
		a.begun = true
	}
}
