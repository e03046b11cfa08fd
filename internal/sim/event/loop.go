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
	queue     heap
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
func (l *Loop) Pending() int { return len(l.queue) }

// At schedules an event.
func (l *Loop) At(at time.Duration, h Handler) {
	l.scheduled++
	l.queue.push(item{max(at, l.now), l.scheduled, h})
}

// After schedules an event at now + wait.
func (l *Loop) After(wait time.Duration, h Handler) { l.At(l.now+wait, h) }

// Step fires the next event; false when there is none.
func (l *Loop) Step() bool {
	if len(l.queue) == 0 {
		return false
	}
	next := l.queue.pop()
	l.now = next.at
	l.fired++
	next.do.Fire()
	return true
}

// Next is when the next event fires; ok is false when there is none.
func (l *Loop) Next() (at time.Duration, ok bool) {
	if len(l.queue) == 0 {
		return 0, false
	}
	return l.queue[0].at, true
}
