package cpu

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hachi-serve/hachi/compute/kernel"
	"github.com/hachi-serve/hachi/compute/tensor"
)

// PoolOptions say how a Pool runs. The zero value is one worker per core that
// the process may use, the fastest kernels, parking at once.
type PoolOptions struct {
	// Threads is the number of workers; 0 is GOMAXPROCS, which follows the
	// container's CPU quota.
	Threads int
	// Kernels are the loops to use; nil is kernel.Best.
	Kernels *kernel.Kernels
	// Spin is how long a worker looks for the next loop before it parks. It
	// burns the core meanwhile: only for a process that owns its cores.
	Spin time.Duration
}

// Pool is a fixed set of workers that split loops between them.
type Pool struct {
	mu      sync.Mutex // one run at a time; guards loop, n, grain and parts
	kernels *kernel.Kernels
	spin    time.Duration
	workers []*worker // the caller of run is the first

	loop            loop
	n, grain, parts int
	left            atomic.Int32 // workers of the current run that have not ended
	done            gate         // opens when left is 0
	ended           sync.WaitGroup
}

// loop computes outputs lo..hi-1.
type loop func(w *worker, lo, hi int)

// worker is what one goroutine of a pool has to itself.
type worker struct {
	k         *kernel.Kernels
	s         *kernel.Scratch
	attention kernel.Attention
	start     gate // opens for every run
	stop      bool // written before start opens
}

// NewPool starts the workers.
func NewPool(o PoolOptions) *Pool {
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if o.Kernels == nil {
		o.Kernels = kernel.Best()
	}
	p := &Pool{kernels: o.Kernels, spin: o.Spin, done: newGate()}
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
	for _, w := range p.workers[1:] {
		w.stop = true
		w.start.open()
	}
	p.ended.Wait()
}

func (p *Pool) work(i int, w *worker) {
	for {
		w.start.wait(p.spin)
		if w.stop {
			return
		}
		p.part(i, w)
		if p.left.Add(-1) == 0 {
			p.done.open()
		}
	}
}

// part runs the i-th part of the current loop: whole grains, as even as they
// go.
func (p *Pool) part(i int, w *worker) {
	grains := (p.n + p.grain - 1) / p.grain
	lo, hi := i*grains/p.parts*p.grain, (i+1)*grains/p.parts*p.grain
	p.loop(w, lo, min(hi, p.n))
}

// run calls f on disjoint ranges that cover 0..n-1 and begin at multiples of
// grain, and returns when all have returned. The split is static: it depends
// on nothing but n, grain and the number of workers.
func (p *Pool) run(n, grain int, f loop) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n <= 0 {
		return
	}
	p.loop, p.n, p.grain = f, n, grain
	p.parts = min(len(p.workers), (n+grain-1)/grain)
	p.left.Store(int32(p.parts - 1))
	for _, w := range p.workers[1:p.parts] {
		w.start.open()
	}
	p.part(0, p.workers[0])
	if p.parts > 1 {
		p.done.wait(p.spin)
	}
	p.loop = nil
}
