package dispatch

import (
	"context"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/compute/tensor"
	"github.com/hachi-serve/hachi/model"
	"github.com/hachi-serve/hachi/moe"
)

// busyWait is how long a task waits when every replica of its expert is full.
const busyWait = 5 * time.Millisecond

// layerRun is one Forward: the calls of one layer. Its memory is kept for the
// next.
type layerRun struct {
	d         *Dispatcher
	layer     int
	h         tensor.Matrix
	k         int
	placement *moe.Placement
	tasks     []task
	missing   int // tasks that are not done
	replies   tensor.Matrix
	at        []int32 // scratch of message
	acc       []float32
	attempts  []*attempt // in flight
	results   chan result
	parked    []*task // every replica was full
	until     time.Time
	timer     *time.Timer
}

// call is the part of an attempt that lives while it is in flight.
type call struct {
	started time.Time
	waits   waits
	stage   stage
	hedge   bool // it was sent in case another is late
	cancel  context.CancelFunc
}

// stage is how much of an attempt's patience is used up.
type stage int

const (
	fresh stage = iota
	hedged
	suspected
	given
)

type result struct {
	attempt *attempt
	reply   *moe.Reply
	err     error
}

// Forward implements model.Experts.
func (d *Dispatcher) Forward(ctx context.Context, layer int, h tensor.Matrix, r moe.Routing, x tensor.Matrix) error {
	placement, release := d.pin()
	defer release()
	if placement == nil {
		return noReplica(moe.ExpertID{Layer: layer}, nil, nil)
	}
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
	l.tasks = tasks(l.tasks, r, l.d.cfg.Experts)
	slots := h.Rows * r.K
	l.replies = tensor.Matrix{Rows: slots, Cols: h.Cols, Stride: h.Cols, Data: slices.Grow(l.replies.Data[:0], slots*h.Cols)[:slots*h.Cols]}
	l.at = slices.Grow(l.at[:0], h.Rows)[:h.Rows]
	l.acc = slices.Grow(l.acc[:0], h.Cols)[:h.Cols]
	l.parked, l.missing = l.parked[:0], 0
	for i := range l.tasks {
		if n := len(l.tasks[i].slots); n > 0 {
			l.d.counts[layer*l.d.cfg.Experts+i].Add(uint64(n))
			l.missing++
		}
	}
}

// all sends every task and waits until each has its rows. It joins its calls
// before it returns.
func (l *layerRun) all(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer l.join(cancel)
	var todo []*task
	for i := range l.tasks {
		if len(l.tasks[i].slots) > 0 {
			todo = append(todo, &l.tasks[i])
		}
	}
	if err := l.send(ctx, todo, false); err != nil {
		return err
	}
	for l.missing > 0 {
		due := l.due()
		l.timer.Reset(time.Until(due))
		select {
		case res := <-l.results:
			if err := l.finish(ctx, res); err != nil {
				return err
			}
		case <-l.timer.C:
			if err := l.overdue(ctx, due); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// join gives up what is still in flight and waits for it.
func (l *layerRun) join(cancel context.CancelFunc) {
	cancel()
	l.timer.Stop()
	for len(l.attempts) > 0 {
		res := <-l.results
		res.reply.Free()
		l.end(res.attempt)
		if res.err == nil && res.attempt.stage < given {
			l.d.learn(res.attempt, res.reply)
		} else {
			l.d.lost(res.attempt)
		}
	}
}

// send plans tasks and starts a call per node. A task for which no replica is
// left is an error, unless it is still being computed somewhere or every
// replica is merely full.
func (l *layerRun) send(ctx context.Context, todo []*task, hedge bool) error {
	plan, stuck := l.d.plan(l, todo)
	for _, t := range stuck {
		switch {
		case t.live > 0:
		case kindOf(t.last) == moe.Busy:
			// Full is not gone: give the queues a moment and ask all again.
			t.tried = t.tried[:0]
			l.parked, l.until = append(l.parked, t), time.Now().Add(busyWait)
		default:
			return noReplica(moe.ExpertID{Layer: l.layer, Expert: t.expert}, l.placement, t.last)
		}
	}
	for _, a := range plan {
		l.start(ctx, a, hedge)
	}
	return nil
}

// start begins a call.
func (l *layerRun) start(ctx context.Context, a *attempt, hedge bool) {
	c := a.message(l.h, l.k, l.d.cfg.Wire, l.at)
	c.Fingerprint, c.Epoch, c.Layer = l.d.cfg.Fingerprint, l.placement.Epoch(), l.layer
	ctx, a.cancel = context.WithCancel(ctx)
	a.started, a.hedge = time.Now(), hedge
	l.attempts = append(l.attempts, a)
	go func() {
		reply, err := l.d.cfg.Caller.Call(ctx, a.to, c)
		l.results <- result{a, reply, err}
	}()
}

// end takes an attempt out of flight.
func (l *layerRun) end(a *attempt) {
	a.cancel()
	l.d.ended(a)
	l.attempts = slices.DeleteFunc(l.attempts, func(b *attempt) bool { return b == a })
	for _, t := range a.tasks {
		t.live--
	}
}

func (l *layerRun) replicas(expert int) []moe.Replica {
	return l.placement.Replicas(moe.ExpertID{Layer: l.layer, Expert: expert})
}
