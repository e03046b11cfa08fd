package cpu

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/poll"
)

// PoolOptions say how a Pool runs. The zero value is one worker per core that
// the process may use, the fastest kernels, parking at once.
type PoolOptions struct {
	// Threads is the number of workers; 0 is GOMAXPROCS, which follows the
	// container's CPU quota.
	Threads int
	// Kernels are the loops to use; nil is kernel.Best.
	Kernels *kernel.Kernels
	// Spin is how long a worker looks for the next loop before it parks, while
	// that pays. It burns the core meanwhile: only for a process that owns its
	// cores. More workers than cores never look.
	Spin time.Duration
}

// Pool is a fixed set of workers that split loops between them.
type Pool struct {
	mu      sync.Mutex // one run at a time
	kernels *kernel.Kernels
	spin    time.Duration // how long a wait looks
	workers []*worker     // the caller of run is the first

	// The current run; written while no worker is in it.
	loop     loop
	n, grain int
	shares   []share // of each worker
	crew     crew

	stopped atomic.Bool
	ended   sync.WaitGroup
}

// loop computes outputs lo..hi-1.
type loop func(w *worker, lo, hi int)

// worker is what one goroutine of a pool has to itself.
type worker struct {
	k         *kernel.Kernels
	s         *kernel.Scratch
	attention kernel.Attention
	patience  poll.Patience
	start     gate // opens for every run
}

// NewPool starts the workers.
func NewPool(o PoolOptions) *Pool {
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if o.Kernels == nil {
		o.Kernels = kernel.Best()
	}
	if o.Threads > runtime.GOMAXPROCS(0) {
		o.Spin = 0 // who looks would keep a core from who computes
	}
	p := &Pool{kernels: o.Kernels, spin: o.Spin, shares: make([]share, o.Threads), crew: newCrew()}
	for i := range o.Threads {
		w := &worker{k: o.Kernels, s: kernel.NewScratch(), start: newGate()}
		p.workers = append(p.workers, w)
		if i > 0 {
			p.ended.Go(func() { p.work(i, w) })
		}
	}
	return p
}

// Kernels are the loops the pool runs.
func (p *Pool) Kernels() *kernel.Kernels { return p.kernels }

// Threads is the number of workers.
func (p *Pool) Threads() int { return len(p.workers) }

// MatMul writes y [rows, w.Rows] = x [rows, w.Cols] times w transposed.
func (p *Pool) MatMul(y, x tensor.Matrix, w tensor.Weight) {
	p.run(w.Rows, grain, func(k *worker, lo, hi int) { k.k.MatMul(k.s, y, x, w, lo, hi) })
}

// Close ends the workers. No run may be in flight.
func (p *Pool) Close() {
	p.stopped.Store(true)
	for _, w := range p.workers[1:] {
		w.start.open()
	}
	p.ended.Wait()
}

func (p *Pool) work(i int, w *worker) {
	for {
		w.start.waitFor(&w.patience, p.spin)
		if p.stopped.Load() {
			return
		}
		if p.crew.join() {
			p.compute(i, w)
			p.crew.leave()
		}
	}
}

// run calls f on disjoint ranges that cover 0..n-1 and begin at multiples of
// grain, and returns when all have returned. Every worker has a part, as even as
// grains go, and then helps the others: a worker that sleeps or has lost its core
// costs no more than what it has begun.
func (p *Pool) run(n, grain int, f loop) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n <= 0 {
		return
	}
	grains := (n + grain - 1) / grain
	parts := min(len(p.workers), grains)
	p.loop, p.n, p.grain = f, n, grain
	for i := range parts {
		p.shares[i].set(i*grains/parts, (i+1)*grains/parts)
	}
	if parts > 1 {
		p.crew.begin()
		for _, w := range p.workers[1:parts] {
			w.start.open()
		}
	}
	p.compute(0, p.workers[0])
	if parts > 1 && p.crew.end() {
		p.crew.empty.waitFor(&p.workers[0].patience, p.spin)
	}
	p.loop = nil
}

// compute runs the i-th part of the current loop, then what is left of others.
// No loop changes rows that a product in it has read.
func (p *Pool) compute(i int, w *worker) {
	w.s.Hold()
	defer w.s.Release()
	piece := func(lo, hi int) { p.loop(w, lo*p.grain, min(hi*p.grain, p.n)) }
	for lo, hi, ok := p.shares[i].front(); ok; lo, hi, ok = p.shares[i].front() {
		piece(lo, hi)
	}
	for next := range len(p.shares) - 1 {
		other := &p.shares[(i+1+next)%len(p.shares)]
		for lo, hi, ok := other.back(); ok; lo, hi, ok = other.back() {
			piece(lo, hi)
		}
	}
}
