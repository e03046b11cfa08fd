package sim

import (
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/internal/sim/machine"
	"github.com/hachi-serve/hachi/moe"
)

// layerJob is the expert call of one micro-batch for one layer: a layer of the router's
// dispatcher, driven by events.
type layerJob struct {
	step  *step
	layer dispatch.Layer
	// inFlight says that the dispatcher has a layer of this job.
	inFlight bool
	began    time.Duration
	took     time.Duration
	last     reading       // of the reply that came last
	due      time.Time     // of the first deadline
	alarm    time.Duration // of the earliest event that looks at deadlines; 0 is none
	awaited  int           // calls without an answer that is on its way
	watched  bool          // any answer may be the last
	// unanswered counts the calls without an answer that was handed to the dispatcher. It
	// says nothing of a layer that is watched.
	unanswered int

	// The micro-batch.
	rows    int // that go to the experts: heads of them in the last layer
	heads   int // whose logits are wanted
	seen    machine.Seen
	h       tensor.Matrix
	routing moe.Routing
}

// begin sends the rows of a layer.
func (j *layerJob) begin(layer int) error {
	r := j.step.router
	j.began, j.last = r.world.loop.Now(), reading{}
	j.awaited, j.watched, j.unanswered = 0, false, 0
	r.receive()
	r.ahead.sync()
	r.transport.sender = j
	if !r.ahead.begins(j) {
		r.clock = r.world.loop.Now()
		if err := j.send(layer); err != nil {
			return err
		}
	}
	j.inFlight = true
	j.arm(j.due)
	return nil
}

// send gives the rows of a layer to the dispatcher, at its clock.
func (j *layerJob) send(layer int) (err error) {
	r := j.step.router
	r.gate.route(&j.routing, layer, j.rows, r.random)
	j.h = j.h.Resize(j.rows, 1)
	if j.layer, err = r.dispatcher.Begin(layer, j.h, j.routing); err == nil {
		j.due = j.layer.Deadline()
	}
	return err
}

// arm makes sure that an event looks at the next deadline. One that is scheduled for
// earlier does it.
func (j *layerJob) arm(next time.Time) {
	w := j.step.router.world
	due := w.loop.Since(next)
	if j.alarm > w.loop.Now() && j.alarm <= due {
		return
	}
	j.alarm = due
	w.loop.AtLocal(due, (*alarm)(j))
}

// alarm is the event at which a layer looks at its deadlines.
type alarm layerJob

// Fire implements event.Handler.
func (a *alarm) Fire() { (*layerJob)(a).expire() }

// expire acts on deadlines that have passed. An alarm of an earlier layer finds none.
func (j *layerJob) expire() {
	w := j.step.router.world
	if j.alarm <= w.loop.Now() {
		j.alarm = 0
	}
	if !j.inFlight || !j.step.router.up {
		return
	}
	j.step.router.catchUp()
	if !j.inFlight {
		return
	}
	due := j.layer.Deadline()
	if w.loop.Since(due) > w.loop.Now() {
		j.arm(due)
		return
	}
	j.step.router.transport.sender = j
	j.settled(j.layer.Expire(due), true)
}

// wake is called when a call has ended.
func (j *layerJob) wake(failed bool) {
	if !j.inFlight {
		return
	}
	j.step.router.transport.sender = j
	j.settled(j.layer.Settle(), failed)
}

// settled goes on after the dispatcher has acted. Deadlines may be earlier than before
// only when it has sent rows again.
func (j *layerJob) settled(err error, again bool) {
	switch {
	case err != nil:
		j.step.fail(err)
	case !j.layer.Open():
		j.end()
		j.took = j.step.router.world.loop.Now() - j.began
		j.step.answered(j)
	case again:
		j.arm(j.layer.Deadline())
	}
}

// end frees the dispatcher's layer.
func (j *layerJob) end() {
	j.inFlight = false
	j.step.router.transport.sender = j
	j.layer.End()
}
