package dispatch

import (
	"context"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

const (
	// busyWait is how long a task is parked when all its replicas are full and
	// none gave a hint.
	busyWait = 5 * time.Millisecond
	// maxBusyWait bounds a node's hint: its queue may drain sooner than it
	// estimated, and another try costs little.
	maxBusyWait = 50 * time.Millisecond
)

// layerRun is the state of one Forward: one layer's tasks and their calls. It
// belongs to the goroutine of Forward. A Dispatcher keeps finished runs, so that
// the next layer reuses their memory.
type layerRun struct {
	d *Dispatcher
	layerInput
	layerOutput
	layerCalls

	tasks  []task
	open   int         // tasks without their rows
	timer  *time.Timer // of the next deadline
	parked parked
	traced context.Context // of the layer's span; nil where the step is not traced
	layerScratch
}

// layerInput is what Forward was called with.
type layerInput struct {
	layer  int
	h      tensor.Matrix
	k      int // experts per row
	routes *routes
	wire   []byte       // h in the wire dtype
	nodes  []moe.NodeID // receives the node of each slot; nil is not wanted
}

// layerOutput collects the replies: row row*k+slot of replies is that of a slot.
type layerOutput struct {
	replies tensor.Matrix
	acc     []float32 // accumulator of Combine
}

// layerCalls are the attempts of a run, each in exactly one place.
type layerCalls struct {
	inFlight []*attempt
	ended    mailbox    // answered by the transport, not settled yet
	all      []*attempt // in the order of their memory
	used     int        // those of all that the layer has used; the others are free
	free     []*attempt // settled, to be used again when all are used
}

// parked are tasks whose replicas were all full, and when to try them again.
type parked struct {
	tasks []*task
	until time.Time
}

// layerScratch is memory of single methods, kept between calls of them.
type layerScratch struct {
	todo      []*task    // of prepare: the tasks with slots
	chosen    []uint64   // of groupByExpert: a bit for each expert
	planned   []*attempt // of send
	collected []*attempt // of collect and abandonAll
	answered  []*attempt // of settle: what is to be recorded
	rowAt     []int32    // of numberRows
}

// Forward implements model.Experts.
func (d *Dispatcher) Forward(ctx context.Context, layer int, h tensor.Matrix, r moe.Routing, x tensor.Matrix) error {
	run, err := d.enter(layer)
	if err != nil {
		return err
	}
	defer d.leave(run)
	run.prepare(layer, h, r)
	end := run.beginTrace(ctx, layer, h.Rows)
	err = run.execute(ctx)
	end(err)
	if err != nil {
		return err
	}
	model.Combine(x, r, run.acc, func(row, slot int) []float32 { return run.replies.Row(row*r.K + slot) })
	return nil
}

// enter pins the placement for a layer, until leave.
func (d *Dispatcher) enter(layer int) (*layerRun, error) {
	routes := d.pin()
	if routes == nil {
		return nil, noReplica(moe.ExpertID{Layer: layer}, nil, nil)
	}
	run := d.borrowRun()
	run.routes = routes
	return run, nil
}

// leave ends what enter began. No call of the run is in flight.
func (d *Dispatcher) leave(run *layerRun) {
	placement := run.routes.placement
	d.returnRun(run)
	d.unpin(placement)
}

// prepare sizes the memory of a run for a layer and encodes its rows once, for
// every call that will carry them.
func (l *layerRun) prepare(layer int, h tensor.Matrix, r moe.Routing) {
	l.layer, l.h, l.k, l.nodes = layer, h, r.K, r.Nodes
	l.groupByExpert(r, l.d.cfg.Topology.In(layer))
	slots, size := h.Rows*r.K, l.rowBytes()
	l.replies = tensor.Matrix{Rows: slots, Cols: h.Cols, Stride: h.Cols, Data: resize(l.replies.Data, slots*h.Cols)}
	l.rowAt, l.acc, l.wire = resize(l.rowAt, h.Rows), resize(l.acc, h.Cols), resize(l.wire, h.Rows*size)
	for row := range h.Rows {
		tensor.Encode(l.wire[row*size:(row+1)*size], h.Row(row), l.d.cfg.Wire)
	}
	first := l.d.cfg.Topology.First(layer)
	for _, t := range l.todo {
		l.d.counts[first+t.expert].Add(uint64(len(t.slots)))
	}
	l.parked.tasks, l.open = l.parked.tasks[:0], len(l.todo)
	l.used, l.free = 0, l.free[:0]
}

func resize[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

func (l *layerRun) rowBytes() int { return l.h.Cols * l.d.cfg.Wire.Size() }

// execute sends every task and waits until each has its rows. When it returns,
// no call is in flight.
func (l *layerRun) execute(ctx context.Context) error {
	defer l.abandonAll()
	if err := l.send(l.todo, false); err != nil {
		return err
	}
	for l.open > 0 {
		deadline := l.nextDeadline()
		l.timer.Reset(deadline.Sub(l.d.cfg.Now()))
		select {
		case <-l.ended.filled:
			if _, err := l.collect(); err != nil {
				return err
			}
		case <-l.timer.C:
			if err := l.handleTimer(deadline); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// collect settles every attempt that has ended, and reports whether there were any.
// After an error it puts the others back, for abandonAll.
func (l *layerRun) collect() (some bool, err error) {
	l.collected = l.ended.take(l.collected[:0])
	defer l.recordReplies()
	for i, a := range l.collected {
		if err := l.settle(a); err != nil {
			for _, other := range l.collected[i+1:] {
				l.ended.put(other)
			}
			return true, err
		}
	}
	return len(l.collected) > 0, nil
}

// abandonAll cancels every attempt in flight and waits for its end: until then
// the transport may read the call's rows.
func (l *layerRun) abandonAll() {
	l.timer.Stop()
	for _, a := range l.inFlight {
		l.abandon(a)
	}
	for len(l.inFlight) > 0 {
		<-l.ended.filled
		l.collected = l.ended.take(l.collected[:0])
		for _, a := range l.collected {
			a.reply.Free()
			l.land(a)
			l.d.recordOvertaken(a)
			l.free = append(l.free, a)
		}
	}
}

// send plans tasks and starts one call per node. A task without an untried
// replica is left to the attempts that still compute it, if there are any;
// parked, if its replicas are full; and an error of the layer otherwise.
func (l *layerRun) send(todo []*task, hedge bool) error {
	l.planned = l.planned[:0]
	stuck := l.d.plan(l, todo)
	// A transport may end a call within Start, and settling that call may send
	// again: the plan must not be in l.planned by then.
	plan := l.planned
	l.planned = nil
	for _, a := range plan {
		l.launch(a, hedge)
	}
	l.planned = plan
	for _, t := range stuck {
		switch {
		case t.attempts > 0:
		case kindOf(t.lastErr) == moe.Busy:
			t.tried = t.tried[:0]
			l.parked.tasks, l.parked.until = append(l.parked.tasks, t), l.d.cfg.Now().Add(parkFor(t))
		default:
			return noReplica(moe.ExpertID{Layer: l.layer, Expert: t.expert}, l.routes.placement, t.lastErr)
		}
	}
	return nil
}

// launch starts the call of an attempt.
func (l *layerRun) launch(a *attempt, hedge bool) {
	a.started, a.hedge = l.d.cfg.Now(), hedge
	a.place, l.inFlight = len(l.inFlight), append(l.inFlight, a)
	c := l.encodeCall(a)
	if l.traced != nil {
		l.traceCall(a, c)
	}
	l.d.cfg.Transport.Start(a.to, c, &a.pending)
}

// land takes an attempt that has ended out of flight. What is recorded of its end takes
// its groups off its node.
func (l *layerRun) land(a *attempt) {
	a.endCall()
	last := len(l.inFlight) - 1
	l.inFlight[a.place], l.inFlight[last].place = l.inFlight[last], a.place
	l.inFlight[last] = nil
	l.inFlight = l.inFlight[:last]
	for _, t := range a.tasks {
		t.attempts--
	}
}

// replicas lists those of an expert of the layer, as places in routes.
func (l *layerRun) replicas(expert int) []int32 {
	return l.routes.placement.HostsOf(l.d.cfg.Topology.First(l.layer) + expert)
}
