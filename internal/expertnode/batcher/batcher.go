package batcher

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// Config describes a batcher.
type Config struct {
	FFN    model.FFN
	Hidden int
	Wire   tensor.DType
	// QueueRows bounds the rows that wait or are computed; BatchRows those of
	// one kernel call, unless a single job has more.
	QueueRows, BatchRows int
}

// Task is one call on its way through the queue.
type Task struct {
	// Call's rows and groups must stay as they are until the task is over.
	Call *moe.Call
	// Y is [Call.OutRows, hidden] in the wire dtype; it is written.
	Y []byte
	// Done is told once when the task is over, unless Cancel said true. It must
	// not block.
	Done func(error)
	// Queue is the longest wait of a job and Compute the time of all kernel
	// calls the task had a part in; set when it is over.
	Queue, Compute time.Duration

	arrived time.Time
	rows    int
	left    int // jobs that wait or are computed
	err     error
}

// Batcher computes tasks.
type Batcher struct {
	cfg   Config
	x, y  tensor.Matrix // Run's scratch
	batch []job         // Run's

	mu     sync.Mutex // guards the fields below
	wake   sync.Cond  // the queue is not empty, or closed
	queue  queue
	rows   int // that wait or are computed
	closed bool
	moved  Progress
	perRow time.Duration // what a row took lately
}

// Progress counts what happened to jobs and tasks since the start.
type Progress struct {
	Computed uint64 // jobs
	Turned   uint64 // tasks refused because the queue was full, or cancelled while they waited
}

// New makes a batcher; Run makes it work.
func New(cfg Config) *Batcher {
	b := &Batcher{cfg: cfg}
	b.wake.L = &b.mu
	return b
}

// Submit queues a task. It refuses one that does not fit with Busy, and any
// with Draining once Run has ended; then Done is not told. A task larger than
// the queue is let in when nothing else is there.
func (b *Batcher) Submit(t *Task) error {
	t.rows, t.left, t.err = t.Call.OutRows(), len(t.Call.Groups), nil
	t.Queue, t.Compute, t.arrived = 0, 0, time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return &moe.Error{Op: "queue", Kind: moe.Draining}
	case b.rows > 0 && b.rows+t.rows > b.cfg.QueueRows:
		b.moved.Turned++
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

// Cancel takes back the jobs of a task that still wait. True means that this
// ended the task: Done is not told. Else it was or will be.
func (b *Batcher) Cancel(t *Task) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.drop(t) == 0 {
		return false
	}
	b.moved.Turned++
	return t.left == 0
}

// drop takes the waiting jobs of a task out of the queue. b.mu is held.
func (b *Batcher) drop(t *Task) int {
	jobs, rows := b.queue.drop(t)
	t.left -= jobs
	b.rows -= rows
	if jobs > 0 && t.err == nil {
		t.err = context.Canceled
	}
	return jobs
}

// Progress tells how far the batcher got.
func (b *Batcher) Progress() Progress {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.moved
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
	b.batch = b.queue.next(b.batch[:0], b.cfg.BatchRows)
	return true
}

// takeOne takes any task out of the queue; nil if there is none.
func (b *Batcher) takeOne() *Task {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queue.empty() {
		return nil
	}
	t := b.queue.lines[0].jobs[0].task
	b.drop(t)
	return t
}

// compute runs the batch, whose jobs are of one expert.
func (b *Batcher) compute() {
	started := time.Now()
	id, rows := b.batch[0].id(), 0
	for _, j := range b.batch {
		rows += len(j.index())
	}
	x, y := b.scratch(rows)
	b.gather(x)
	err := b.cfg.FFN.Forward(id, x, y)
	if err == nil {
		b.scatter(y)
	}
	b.finish(err, started, time.Since(started), rows)
}

// scratch is room for a batch; it grows to the largest one and stays.
func (b *Batcher) scratch(rows int) (x, y tensor.Matrix) {
	if n := rows * b.cfg.Hidden; n > len(b.x.Data) {
		b.x, b.y = tensor.NewMatrix(rows, b.cfg.Hidden), tensor.NewMatrix(rows, b.cfg.Hidden)
	}
	view := func(m tensor.Matrix) tensor.Matrix {
		m.Rows, m.Data = rows, m.Data[:rows*b.cfg.Hidden]
		return m
	}
	return view(b.x), view(b.y)
}

// gather reads the rows of the batch, job after job.
func (b *Batcher) gather(x tensor.Matrix) {
	size, at := b.cfg.Hidden*b.cfg.Wire.Size(), 0
	for _, j := range b.batch {
		for _, row := range j.index() {
			tensor.Decode(x.Row(at), j.task.Call.X[int(row)*size:(int(row)+1)*size], b.cfg.Wire)
			at++
		}
	}
}

// scatter writes the rows of the batch to their tasks.
func (b *Batcher) scatter(y tensor.Matrix) {
	size, at := b.cfg.Hidden*b.cfg.Wire.Size(), 0
	for _, j := range b.batch {
		for i := range j.index() {
			first := (j.first + i) * size
			tensor.Encode(j.task.Y[first:first+size], y.Row(at), b.cfg.Wire)
			at++
		}
	}
}

// learn smooths what a row takes. b.mu is held.
func (b *Batcher) learn(perRow time.Duration) {
	if b.perRow == 0 {
		b.perRow = perRow
	}
	b.perRow += (perRow - b.perRow) / 8
}

// finish settles the jobs of the batch and tells the tasks that are over. A
// task that failed does not wait for its other jobs.
func (b *Batcher) finish(err error, started time.Time, took time.Duration, rows int) {
	b.mu.Lock()
	b.learn(took / time.Duration(max(rows, 1)))
	over := 0
	for _, j := range b.batch {
		t := j.task
		b.rows -= len(j.index())
		b.moved.Computed++
		t.left--
		t.Queue, t.Compute = max(t.Queue, started.Sub(t.arrived)), t.Compute+took
		if err != nil && t.err == nil {
			t.err = err
			b.drop(t)
		}
		if t.left == 0 {
			b.batch[over] = j
			over++
		}
	}
	b.mu.Unlock()
	for _, j := range b.batch[:over] {
		j.task.Done(j.task.err)
	}
	clear(b.batch)
}
