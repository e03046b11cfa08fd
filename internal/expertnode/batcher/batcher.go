package batcher

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// Config describes a batcher.
type Config struct {
	FFN      model.FFN
	RowBytes int // of a row on the wire
	// QueueRows bounds the rows that wait or are computed; BatchRows those that
	// are computed together, unless a single task has more.
	QueueRows, BatchRows int
	// RowMemory lends memory for the rows of merged calls; nil is the heap's.
	RowMemory func(n int) (b []byte, release func())
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Task is one call on its way through the queue.
type Task struct {
	// Call's rows and groups must stay as they are until the task is over.
	Call *moe.Call
	// Y is [Call.OutRows, hidden] in the wire dtype; it is written.
	Y []byte
	// Done is called once when the task is over, unless Cancel returned true. It
	// must not block.
	Done func(error)
	// Queue is how long the task waited and Compute the time of the batch it was
	// part of; set when the task is over.
	Queue, Compute time.Duration

	arrived  time.Time
	rows     int
	running  bool // part of the batch that is computed
	canceled bool // while running
	err      error
}

// Batcher computes tasks.
type Batcher struct {
	mu       sync.Mutex // guards the fields up to cancel
	queue    queue
	rows     int // that wait or are computed
	closed   bool
	ended    bool // ctx has
	progress Progress
	perRow   time.Duration // what a row took lately
	fit      fit           // how fast batches are computed
	// wanted is the number of tasks of the batch that have not been canceled.
	// ctx is that of the batch: it has ended when none is wanted any more.
	wanted int
	wake   sync.Cond // the queue is not empty, or closed
	ctx    context.Context
	cancel context.CancelFunc

	cfg    Config
	batch  []*Task // Run's
	merger merger  // Run's
}

// Progress counts what happened to tasks since the start.
type Progress struct {
	Computed uint64 // groups of tasks
	Rejected uint64 // tasks refused because the queue was full, or canceled while they waited
}

// New makes a batcher; Run makes it work.
func New(cfg Config) *Batcher {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	b := &Batcher{cfg: cfg}
	if b.merger.memory = cfg.RowMemory; b.merger.memory == nil {
		b.merger.memory = func(n int) ([]byte, func()) { return make([]byte, n), func() {} }
	}
	b.wake.L = &b.mu
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// Submit queues a task. It refuses one that does not fit with Busy, and any
// with Draining once Run has ended; then Done is not called. A task larger than
// the queue is let in when nothing else is there.
func (b *Batcher) Submit(t *Task) error {
	*t = Task{Call: t.Call, Y: t.Y, Done: t.Done, rows: t.Call.OutRows(), arrived: b.cfg.Now()}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return &moe.Error{Op: "queue", Kind: moe.Draining}
	case b.rows > 0 && b.rows+t.rows > b.cfg.QueueRows:
		b.progress.Rejected++
		return &moe.Error{
			Op: "queue", Kind: moe.Busy, Err: fmt.Errorf("%d rows wait, the limit is %d", b.rows, b.cfg.QueueRows),
			// Room for the task is there when as many rows are done as do not fit.
			RetryAfter: time.Duration(min(b.rows, b.rows+t.rows-b.cfg.QueueRows)) * b.perRow,
		}
	}
	b.rows += t.rows
	b.queue.push(t)
	b.wake.Signal()
	return nil
}

// Cancel gives a task up. True means that this ended the task, which waited:
// Done is not called. Else Done was or will be called. A batch whose tasks have
// all been canceled ends early.
func (b *Batcher) Cancel(t *Task) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queue.drop(t) {
		b.rows -= t.rows
		b.progress.Rejected++
		return true
	}
	if t.running && !t.canceled {
		t.canceled = true
		if b.wanted--; b.wanted == 0 {
			b.cancel()
			b.ended = true
		}
	}
	return false
}

// Progress is how far the batcher got.
func (b *Batcher) Progress() Progress {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.progress
}

// Busy reports whether tasks wait or are computed.
func (b *Batcher) Busy() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rows > 0
}

// Run computes until ctx ends; then tasks that still wait fail as Draining.
func (b *Batcher) Run(ctx context.Context) {
	stop := context.AfterFunc(ctx, b.close)
	defer stop()
	for b.next() {
		b.compute()
	}
	for t := b.takeOne(); t != nil; t = b.takeOne() {
		t.Done(&moe.Error{Op: "queue", Kind: moe.Draining})
	}
	b.merger.close()
}

func (b *Batcher) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.wake.Signal()
}

// next waits for the next batch; false when closed.
func (b *Batcher) next() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.queue.empty() && !b.closed {
		b.wake.Wait()
	}
	if b.closed {
		return false
	}
	b.form()
	return true
}

// form makes the next batch. The queue is not empty. b.mu is held.
func (b *Batcher) form() {
	b.batch = b.queue.next(b.batch[:0], b.cfg.BatchRows)
	for _, t := range b.batch {
		t.running = true
	}
	b.wanted = len(b.batch)
	if b.ended {
		b.ctx, b.cancel = context.WithCancel(context.Background())
		b.ended = false
	}
}

// takeOne takes any task out of the queue; nil if there is none.
func (b *Batcher) takeOne() *Task {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queue.empty() {
		return nil
	}
	t := b.queue.lines[0].tasks[0]
	b.queue.drop(t)
	b.rows -= t.rows
	return t
}

// compute runs the batch, whose tasks are of one layer.
func (b *Batcher) compute() {
	started := b.cfg.Now()
	if len(b.batch) == 1 {
		b.computeAlone(b.batch[0])
	} else if err := b.computeMerged(); err != nil {
		// The fault may be of one task: an expert was unloaded, say.
		for _, t := range b.batch {
			b.computeAlone(t)
		}
	}
	b.finish(started, b.cfg.Now().Sub(started))
}

// computeAlone fails a task whose computation panics: the node serves on.
func (b *Batcher) computeAlone(t *Task) {
	defer moe.Recover("expert call", &t.err)
	t.err = b.cfg.FFN.Run(b.ctx, t.Call.Layer, t.Call.Groups, t.Call.X, t.Y)
}

// computeMerged fails when the computation panics, as for any other fault.
func (b *Batcher) computeMerged() (err error) {
	defer moe.Recover("expert calls", &err)
	m := &b.merger
	m.gather(b.batch, b.cfg.RowBytes)
	if err := b.cfg.FFN.Run(b.ctx, b.batch[0].Call.Layer, m.groups, m.x.bytes, m.y.bytes); err != nil {
		return err
	}
	m.scatter(b.batch, b.cfg.RowBytes)
	return nil
}

// learn smooths what a row takes. b.mu is held.
func (b *Batcher) learn(perRow time.Duration) {
	if b.perRow == 0 {
		b.perRow = perRow
	}
	b.perRow += (perRow - b.perRow) / 8
}

// finish settles the tasks of the batch and calls their Done.
func (b *Batcher) finish(started time.Time, took time.Duration) {
	b.mu.Lock()
	rows := 0
	for _, t := range b.batch {
		rows += t.rows
		t.running = false
		t.Queue, t.Compute = started.Sub(t.arrived), took
		b.progress.Computed += uint64(len(t.Call.Groups))
	}
	b.rows -= rows
	b.learn(took / time.Duration(max(rows, 1)))
	if b.wanted > 0 { // it was not ended early
		b.fit.add(b.groups(), rows, took)
	}
	b.mu.Unlock()
	for _, t := range b.batch {
		t.Done(t.err)
	}
	clear(b.batch)
}
