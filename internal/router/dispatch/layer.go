package dispatch

import (
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// Layer is one layer on its way through its experts, for a caller with a clock of its
// own: it decides as Forward does, and waits for nothing. The caller calls Settle when
// the transport has ended calls, and Expire when Deadline has come, until Open is false
// or one of them fails, and then End.
//
// The transport ends calls on the caller's goroutine, and a canceled call within
// Cancel. No method may be called after End.
type Layer struct{ run *layerRun }

// Begin sends the rows h [rows, hidden] of a layer to the experts that r names. The
// arguments are those of Forward. An error leaves nothing in flight.
func (d *Dispatcher) Begin(layer int, h tensor.Matrix, r moe.Routing) (Layer, error) {
	run, err := d.enter(layer)
	if err != nil {
		return Layer{}, err
	}
	run.prepare(layer, h, r)
	run.traced = nil
	l := Layer{run}
	if err := run.send(run.todo, false); err != nil {
		l.End()
		return Layer{}, err
	}
	return l, nil
}

// Open reports that rows are missing.
func (l Layer) Open() bool { return l.run.open > 0 }

// Deadline is when Expire has something to do, unless a call ends before. A call that
// ends makes it no earlier, unless Settle sends its rows again.
func (l Layer) Deadline() time.Time { return l.run.nextDeadline() }

// Settle takes the calls that have ended: it stores rows, and sends those of failed
// calls again. The error ends the layer, as that of Forward does.
func (l Layer) Settle() error {
	for {
		if some, err := l.run.collect(); err != nil || !some {
			return err
		}
	}
}

// Expire acts on the deadlines that have passed: it hedges, suspects and gives up late
// calls. due is the Deadline that the caller waited for.
func (l Layer) Expire(due time.Time) error {
	if err := l.run.handleTimer(due); err != nil {
		return err
	}
	return l.Settle()
}

// End cancels the calls in flight and frees the layer.
func (l Layer) End() {
	l.run.abandonAll()
	l.run.d.leave(l.run)
}
