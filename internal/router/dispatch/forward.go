package dispatch

import (
	"context"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// busyWait is how long a task waits when every replica of its expert is full
// and none says for how long. mostPause bounds what one says: a queue may empty
// sooner than it expected, and asking again is cheap.
const (
	busyWait  = 5 * time.Millisecond
	mostPause = 50 * time.Millisecond
)

// layerRun is one Forward: the calls of one layer. Its memory is kept for the
// next.
type layerRun struct {
	d         *Dispatcher
	layer     int
	h         tensor.Matrix
	k         int
	placement *moe.Placement
	wire      []byte // h in the wire dtype
	tasks     []task
	missing   int // tasks that are not done
	replies   tensor.Matrix
	at        []int32 // scratch of number
	acc       []float32

	todo    []*task    // scratch
	planned []*attempt // scratch of send
	flying  []*attempt
	spare   []*attempt
	ended   mailbox
	taken   []*attempt // scratch of all
	parked  []*task    // every replica was full
	until   time.Time
	timer   *time.Timer
}

// Forward implements model.Experts.
func (d *Dispatcher) Forward(ctx context.Context, layer int, h tensor.Matrix, r moe.Routing, x tensor.Matrix) error {
	placement := d.pin()
	if placement == nil {
		return noReplica(moe.ExpertID{Layer: layer}, nil, nil)
	}
	defer d.unpin(placement)
	run := d.borrow()
	defer d.giveBack(run)
	run.begin(layer, h, r, placement)
	if err := run.all(ctx); err != nil {
		return err
	}
	model.Combine(x, r, run.acc, func(row, slot int) []float32 { return run.replies.Row(row*r.K + slot) })
	return nil
}

// begin sizes the memory of a run for a layer.
func (l *layerRun) begin(layer int, h tensor.Matrix, r moe.Routing, p *moe.Placement) {
	l.layer, l.h, l.k, l.placement = layer, h, r.K, p
	l.tasks = tasks(l.tasks, r, l.d.cfg.Topology.In(layer))
	slots, size := h.Rows*r.K, l.rowBytes()
	l.replies = tensor.Matrix{Rows: slots, Cols: h.Cols, Stride: h.Cols, Data: resize(l.replies.Data, slots*h.Cols)}
	l.at, l.acc, l.wire = resize(l.at, h.Rows), resize(l.acc, h.Cols), resize(l.wire, h.Rows*size)
	for row := range h.Rows {
		tensor.Encode(l.wire[row*size:(row+1)*size], h.Row(row), l.d.cfg.Wire)
	}
	l.todo, l.parked = l.todo[:0], l.parked[:0]
	for i := range l.tasks {
		if n := len(l.tasks[i].slots); n > 0 {
			l.d.counts[l.d.cfg.Topology.First(layer)+i].Add(uint64(n))
			l.todo = append(l.todo, &l.tasks[i])
		}
	}
	l.missing = len(l.todo)
}

func resize[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

func (l *layerRun) rowBytes() int { return l.h.Cols * l.d.cfg.Wire.Size() }

// all sends every task and waits until each has its rows. When it returns, no
// call is in flight.
func (l *layerRun) all(ctx context.Context) error {
	defer l.join()
	if err := l.send(l.todo, false); err != nil {
		return err
	}
	for l.missing > 0 {
		due := l.due()
		l.timer.Reset(time.Until(due))
		select {
		case <-l.ended.filled:
			if err := l.collect(); err != nil {
				return err
			}
		case <-l.timer.C:
			if err := l.overdue(due); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// collect settles every call that has ended. After an error the rest is left
// to join.
func (l *layerRun) collect() error {
	l.taken = l.ended.take(l.taken[:0])
	for i, a := range l.taken {
		if err := l.finish(a); err != nil {
			for _, rest := range l.taken[i+1:] {
				l.ended.put(rest)
			}
			return err
		}
	}
	return nil
}

// join gives up what is still in flight and waits for it.
func (l *layerRun) join() {
	l.timer.Stop()
	for _, a := range l.flying {
		if a.stage < given {
			a.stage = given
			l.d.cfg.Transport.Cancel(&a.pending)
		}
	}
	for len(l.flying) > 0 {
		<-l.ended.filled
		l.taken = l.ended.take(l.taken[:0])
		for _, a := range l.taken {
			a.reply.Free()
			l.end(a)
			l.d.lost(a)
			l.spare = append(l.spare, a)
		}
	}
}

// send plans tasks and starts a call per node. A task for which no replica is
// left is an error, unless it is still being computed somewhere or every
// replica is merely full.
func (l *layerRun) send(todo []*task, hedge bool) error {
	l.planned = l.planned[:0]
	stuck := l.d.plan(l, todo)
	// Sending may end calls at once, and those may be sent again: the plan is
	// taken down first.
	plan := l.planned
	l.planned = nil
	for _, a := range plan {
		l.start(a, hedge)
	}
	l.planned = plan
	for _, t := range stuck {
		switch {
		case t.live > 0:
		case kindOf(t.last) == moe.Busy:
			// Full is not gone: give the queues a moment and ask all again.
			t.tried = t.tried[:0]
			l.parked, l.until = append(l.parked, t), time.Now().Add(l.pause(t))
		default:
			return noReplica(moe.ExpertID{Layer: l.layer, Expert: t.expert}, l.placement, t.last)
		}
	}
	return nil
}

// start begins a call.
func (l *layerRun) start(a *attempt, hedge bool) {
	a.started, a.hedge = time.Now(), hedge
	l.flying = append(l.flying, a)
	l.d.cfg.Transport.Start(a.to, l.message(a), &a.pending)
}

// end takes an attempt out of flight.
func (l *layerRun) end(a *attempt) {
	l.d.ended(a)
	l.flying = slices.DeleteFunc(l.flying, func(b *attempt) bool { return b == a })
	for _, t := range a.tasks {
		t.live--
	}
}

func (l *layerRun) replicas(expert int) []moe.Replica {
	return l.placement.Replicas(moe.ExpertID{Layer: l.layer, Expert: expert})
}
