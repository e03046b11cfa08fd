package sim

import "time"

// A router looks at answers late, where that changes nothing: a layer goes on with its last
// answer, and the ones before it only teach the dispatcher. They wait in the inbox, and
// each is handled with the clock of its time before anything else looks at the dispatcher.

// keep takes an answer that the router will have received at c.at.
func (r *router) keep(c *call) {
	r.inbox = append(r.inbox, c)
	if c.owner.heard(c) {
		r.world.loop.AtLocal(c.at, &r.wakeUp)
	}
}

// wakeUp is the event at which a router looks at its inbox.
type wakeUp struct{ router *router }

// Fire implements event.Handler.
func (w *wakeUp) Fire() {
	r := w.router
	r.receive()
	if len(r.ahead.heard) > 0 {
		r.ahead.submit(nil, 0, 0)
	}
}

// catchUp handles the answers that were received until now: the dispatcher is that of now.
func (r *router) catchUp() {
	r.ahead.held = true
	r.receive()
	r.ahead.held = false
	r.ahead.sync()
	r.clock = r.world.loop.Now()
	if r.ahead.begun {
		r.world.violate("%s: its dispatcher is ahead of its time", r.name)
	}
}

// receive takes the answers that were received until now.
func (r *router) receive() {
	now := r.world.loop.Now()
	for len(r.inbox) > r.read && r.inbox[r.read].at <= now {
		c := r.inbox[r.read]
		r.inbox[r.read] = nil
		r.read++
		switch {
		case c.pending == nil: // canceled
			c.endMove()
		case c.failure == nil && !c.owner.watched:
			r.hear(c)
		default:
			r.ahead.sync()
			r.clock = c.at
			c.answer()
		}
	}
	if r.read == len(r.inbox) {
		r.inbox, r.read = r.inbox[:0], 0
	} else if r.read > len(r.inbox)/2 {
		n := copy(r.inbox, r.inbox[r.read:])
		clear(r.inbox[n:])
		r.inbox, r.read = r.inbox[:n], 0
	}
}

// date is the clock of the dispatcher: the time of what it handles.
func (r *router) date() time.Time { return r.world.loop.DateOf(r.clock) }

// discard forgets the answers of a router that has died.
func (r *router) discard() {
	r.ahead.sync()
	for _, c := range r.inbox[r.read:] {
		c.endMove()
	}
	r.inbox, r.read = nil, 0
}

// sent counts a call of the layer. One that is sent after the layer has begun takes over
// rows of another: any answer may be the last then.
func (j *layerJob) sent() {
	j.awaited++
	j.unanswered++
	if j.inFlight {
		j.watch()
	}
}

// heard counts an answer of the layer, and reports whether the router has to look at it
// when it is received.
func (j *layerJob) heard(c *call) bool {
	j.awaited--
	if c.failure != nil {
		j.watch()
	}
	return j.watched || j.awaited == 0
}

// watch makes the router look at every answer of the layer when it is received.
func (j *layerJob) watch() {
	if j.watched {
		return
	}
	j.watched = true
	r := j.step.router
	for _, c := range r.inbox[r.read:] {
		if c.owner == j {
			r.world.loop.AtLocal(c.at, &r.wakeUp)
		}
	}
}
