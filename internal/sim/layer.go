package sim

import (
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/internal/sim/event"
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
	alarm    time.Duration // of the earliest event that looks at deadlines; 0 is none
	awaited  int           // calls without an answer
	watched  bool          // any answer may be the last

	// The micro-batch.
	first, rows int
	seen        machine.Seen
	h           tensor.Matrix
	routing     moe.Routing
}

// begin sends the rows of a layer.
func (j *layerJob) begin(layer int) error {
	r := j.step.router
	r.gate.route(&j.routing, layer, j.rows, r.random)
	j.h = j.h.Resize(j.rows, 1)
	j.began, j.last = r.world.loop.Now(), reading{}
	j.awaited, j.watched = 0, false
	r.catchUp()
	r.transport.sender = j
	l, err := r.dispatcher.Begin(layer, j.h, j.routing)
	if err != nil {
		return err
	}
	j.layer, j.inFlight = l, true
	j.arm()
	return nil
}

// arm makes sure that an event looks at the next deadline. One that is scheduled for
// earlier does it.
func (j *layerJob) arm() {
	w := j.step.router.world
	due := w.loop.Since(j.layer.Deadline())
	if j.alarm > w.loop.Now() && j.alarm <= due {
		return
	}
	j.alarm = due
	w.loop.At(due, event.Func(j.expire))
}

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
		j.arm()
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
		j.arm()
	}
}

// end frees the dispatcher's layer.
func (j *layerJob) end() {
	j.inFlight = false
	j.step.router.transport.sender = j
	j.layer.End()
}
