package cpu

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/poll"
	"github.com/hachi-serve/hachi/moe"
)

// PoolOptions say how a Pool runs. The zero value is one worker per core that
// the process may use, the fastest kernels, parking at once.
type PoolOptions struct {
	// Threads is the number of workers; 0 is GOMAXPROCS, which follows the
	// container's CPU quota.
	Threads int
	// Kernels are the loops to use; nil is kernel.Best.
	Kernels *kernel.Kernels
	// Spin is how long a worker polls for the next loop before it parks, while
	// that pays. It keeps the core busy meanwhile: only for a process that owns
	// its cores. With more workers than cores, no worker spins. Workers that share
	// cores spin only while a call has them.
	Spin time.Duration
	// Cores are those that the pool shares with other processes: each worker that
	// computes has one. Nil is a core for each worker.
	Cores backend.Cores
}

// Pool is a fixed set of workers that split loops between them.
type Pool struct {
	mu      sync.Mutex // one run at a time
	kernels *kernel.Kernels
	spin    time.Duration // before a worker parks
	workers []*worker     // the caller of run is the first

	// The current run; written while no worker is inside.
	loop     loop
	n, grain int
	ranges   []workRange // of each worker
	active   activeWorkers
	panicked atomic.Pointer[moe.Panic] // the first panic of a worker in this run
	share    share

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
	start     parker // gets a permit for every run
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
		o.Spin = 0 // a worker that spins would keep a core from one that computes
	}
	p := &Pool{kernels: o.Kernels, spin: o.Spin, ranges: make([]workRange, o.Threads), active: newActiveWorkers()}
	p.share.open(o)
	if o.Cores != nil {
		p.spin = max(o.Spin, heldSpin)
	}
	for i := range o.Threads {
		w := &worker{k: o.Kernels, s: kernel.NewScratch(), start: newParker()}
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
		w.start.unpark()
	}
	p.ended.Wait()
}

func (p *Pool) work(i int, w *worker) {
	for {
		w.start.spinThenPark(&w.patience, p.spin, p.share.allowed)
		if p.stopped.Load() {
			return
		}
		if p.active.join() {
			if p.share.inside[i].Load() == p.share.run { // else the permit is of a run that is over
				p.compute(i, w)
			}
			p.active.leave()
		}
	}
}

// run calls f on disjoint ranges that cover 0..n-1 and begin at multiples of
// grain, and returns when all calls have returned. Every worker owns a range, as
// even as grains go, and then steals from the others: a worker that sleeps or has
// lost its core delays the run by no more than the piece that it has begun. A
// panic of f on any worker becomes a panic of run, as a *moe.Panic, when every
// worker has left the loop.
func (p *Pool) run(n, grain int, f loop) {
	if n <= 0 {
		return
	}
	p.hold()
	defer p.release()
	p.mu.Lock()
	defer p.mu.Unlock()
	grains := (n + grain - 1) / grain
	parts := min(p.size(), grains)
	p.loop, p.n, p.grain = f, n, grain
	for i := range p.ranges {
		p.ranges[i].set(min(i, parts)*grains/parts, min(i+1, parts)*grains/parts)
	}
	p.share.run++
	several := grains > 1 && len(p.workers) > 1 // perhaps later than now
	if several {
		p.active.begin()
		for i := 1; i < parts; i++ {
			p.start(i)
		}
	}
	p.compute(0, p.workers[0])
	if several && p.active.end() {
		p.active.idle.spinThenPark(&p.workers[0].patience, p.spin, p.share.allowed)
	}
	p.loop = nil
	if v := p.panicked.Swap(nil); v != nil {
		panic(v)
	}
}

// compute runs the loop on the i-th range, then on what is left of the others. No
// loop changes rows that a product in it has read.
func (p *Pool) compute(i int, w *worker) {
	w.s.Hold()
	faults := debug.SetPanicOnFault(true) // a page of a mapped file that was cut, or whose disk failed
	defer func() {
		debug.SetPanicOnFault(faults)
		w.s.Release()
		if v := recover(); v != nil {
			p.panicked.CompareAndSwap(nil, &moe.Panic{Value: v, Stack: debug.Stack()})
		}
	}()
	piece := func(lo, hi int) (leaves bool) {
		p.loop(w, lo*p.grain, min(hi*p.grain, p.n))
		return p.adjust(i)
	}
	for lo, hi, ok := p.ranges[i].take(); ok; lo, hi, ok = p.ranges[i].take() {
		if piece(lo, hi) {
			return
		}
	}
	for next := range len(p.ranges) - 1 {
		other := &p.ranges[(i+1+next)%len(p.ranges)]
		for lo, hi, ok := other.steal(); ok; lo, hi, ok = other.steal() {
			if piece(lo, hi) {
				return
			}
		}
	}
}
