package event

import "time"

// Handler is what happens at a time.
type Handler interface{ Fire() }

// Func is a function as a Handler.
type Func func()

// Fire implements Handler.
func (f Func) Fire() { f() }

// epoch is the date at virtual time 0. Any fixed date does.
var epoch = time.Date(2023, time.November, 1, 0, 0, 0, 0, time.UTC)

// Loop is the clock and the events to come. The zero value is at time 0 without events.
type Loop struct {
	now       time.Duration
	queue     heap // of events that may touch anything
	local     heap // of those that NextGlobal does not see
	far       heap // like local, of events that were scheduled for more than near ahead
	scheduled uint64
	fired     uint64
}

// Now is the virtual time since the start.
func (l *Loop) Now() time.Duration { return l.now }

// Date is Now as a date, for code that measures with dates.
func (l *Loop) Date() time.Time { return epoch.Add(l.now) }

// DateOf is a virtual time as a date.
func (l *Loop) DateOf(at time.Duration) time.Time { return epoch.Add(at) }

// Since is the virtual time of a date.
func (l *Loop) Since(date time.Time) time.Duration { return date.Sub(epoch) }

// Fired is how many events have fired.
func (l *Loop) Fired() uint64 { return l.fired }

// Pending is how many events wait.
func (l *Loop) Pending() int { return len(l.queue) + len(l.local) + len(l.far) }

// At schedules an event.
func (l *Loop) At(at time.Duration, h Handler) { l.queue.push(l.item(at, h)) }

// near is how long after its scheduling an event may fire to wait in the queue of those that
// fire soon. That stays short, and is used for nearly all.
const near = 5 * time.Millisecond

// AtLocal schedules an event that NextGlobal does not see.
func (l *Loop) AtLocal(at time.Duration, h Handler) {
	if at > l.now+near {
		l.far.push(l.item(at, h))
		return
	}
	l.local.push(l.item(at, h))
}

func (l *Loop) item(at time.Duration, h Handler) item {
	l.scheduled++
	return item{max(at, l.now), l.scheduled, h}
}

// After schedules an event at now + wait.
func (l *Loop) After(wait time.Duration, h Handler) { l.At(l.now+wait, h) }

// AfterLocal schedules an event at now + wait that NextGlobal does not see.
func (l *Loop) AfterLocal(wait time.Duration, h Handler) { l.AtLocal(l.now+wait, h) }

// Step fires the next event; false when there is none.
func (l *Loop) Step() bool {
	first := l.first()
	if len(*first) == 0 {
		return false
	}
	next := first.pop()
	l.now = next.at
	l.fired++
	next.do.Fire()
	return true
}

// first is the queue whose first event fires next.
func (l *Loop) first() *heap {
	first := &l.local
	if l.far.before(first) {
		first = &l.far
	}
	if l.queue.before(first) {
		first = &l.queue
	}
	return first
}

// NextGlobal is when the next event fires that is not local; ok is false when there is
// none.
func (l *Loop) NextGlobal() (at time.Duration, ok bool) { return l.queue.next() }
