package batcher

import (
	"context"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/compute/tensor"
	"github.com/hachi-serve/hachi/model"
	"github.com/hachi-serve/hachi/moe"
)

// Job is the rows of one expert in one call.
type Job struct {
	ID   moe.ExpertID
	X, Y tensor.Matrix // [m, hidden]; Y is written
	Err  error         // set when done
	// Queue and Compute say where the time went; set when done.
	Queue, Compute time.Duration

	arrived time.Time
	done    *sync.WaitGroup
}

// Batcher computes jobs.
type Batcher struct {
	ffn     model.FFN
	maxRows int
	wake    chan struct{} // capacity 1: the queue is not empty

	mu       sync.Mutex // guards the fields below
	queue    []*Job
	rows     int
	computed uint64 // jobs, for Progress
}

// New makes a batcher whose queue holds maxRows rows; Run makes it work.
func New(ffn model.FFN, maxRows int) *Batcher {
	return &Batcher{ffn: ffn, maxRows: maxRows, wake: make(chan struct{}, 1)}
}

// Do computes jobs and returns when all are done. It refuses all with Busy when
// the queue has no room for all; a lone call larger than the queue is let in
// when the queue is empty.
func (b *Batcher) Do(jobs []*Job) error {
	var done sync.WaitGroup
	rows := 0
	for _, j := range jobs {
		rows += j.X.Rows
		j.arrived, j.done = time.Now(), &done
	}
	done.Add(len(jobs))
	b.mu.Lock()
	if b.rows > 0 && b.rows+rows > b.maxRows {
		b.mu.Unlock()
		return &moe.Error{Op: "queue", Kind: moe.Busy}
	}
	b.rows += rows
	b.queue = append(b.queue, jobs...)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	done.Wait()
	return nil
}

// Progress is the number of jobs computed so far and of those that wait.
func (b *Batcher) Progress() (computed uint64, waiting int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.computed, len(b.queue)
}

// Run computes until ctx ends; then jobs that still wait fail as Draining.
func (b *Batcher) Run(ctx context.Context) {
	for {
		if jobs := b.next(); len(jobs) > 0 {
			b.compute(jobs)
			continue
		}
		select {
		case <-b.wake:
		case <-ctx.Done():
			for jobs := b.next(); len(jobs) > 0; jobs = b.next() {
				for _, j := range jobs {
					j.Err = &moe.Error{Op: "queue", Kind: moe.Draining}
				}
				b.finish(jobs)
			}
			return
		}
	}
}

// next takes the oldest job and every other that waits for the same expert.
func (b *Batcher) next() []*Job {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		return nil
	}
	id := b.queue[0].ID
	var jobs, rest []*Job
	for _, j := range b.queue {
		if j.ID == id {
			jobs = append(jobs, j)
		} else {
			rest = append(rest, j)
		}
	}
	b.queue = rest
	return jobs
}

// compute runs jobs of one expert as one batch.
func (b *Batcher) compute(jobs []*Job) {
	started := time.Now()
	var err error
	if len(jobs) == 1 {
		err = b.ffn.Forward(jobs[0].ID, jobs[0].X, jobs[0].Y)
	} else {
		err = b.merge(jobs)
	}
	for _, j := range jobs {
		j.Err, j.Queue, j.Compute = err, started.Sub(j.arrived), time.Since(started)
	}
	b.finish(jobs)
}

func (b *Batcher) merge(jobs []*Job) error {
	rows := 0
	for _, j := range jobs {
		rows += j.X.Rows
	}
	x, y := tensor.NewMatrix(rows, jobs[0].X.Cols), tensor.NewMatrix(rows, jobs[0].X.Cols)
	at := 0
	for _, j := range jobs {
		at += copy(x.Data[at:], j.X.Data)
	}
	if err := b.ffn.Forward(jobs[0].ID, x, y); err != nil {
		return err
	}
	at = 0
	for _, j := range jobs {
		at += copy(j.Y.Data, y.Data[at:])
	}
	return nil
}

func (b *Batcher) finish(jobs []*Job) {
	b.mu.Lock()
	for _, j := range jobs {
		b.rows -= j.X.Rows
	}
	b.computed += uint64(len(jobs))
	b.mu.Unlock()
	for _, j := range jobs {
		j.done.Done()
	}
}
