package cpu

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
)

// quantum is how long a pool with one core computes while another one waits: the time
// that a change of processes costs is small beside it.
const quantum = 2 * time.Millisecond

// heldSpin is how long a worker looks for the next run of a call: the time between two
// runs is shorter, and to wake a worker takes as long.
const heldSpin = 50 * time.Microsecond

// share is what a pool has of the shared cores.
//
//	hold ─ run ─ run ─ ... ─ release      a call of the backend
//	        └ between two pieces: a worker besides the first passes its core on if
//	          another pool waits; the first takes cores that are free, or, with the
//	          last core, yields it when its quantum is over
type share struct {
	cores backend.Cores // nil: the pool has a core for each worker

	mu     sync.Mutex // guards holders, and with it Take and Release
	calls  int        // of the backend, at the same time
	held   atomic.Int32
	since  time.Time       // of the quantum; only the caller of the current run uses it
	run    uint64          // the current one; written while no worker is inside
	inside []atomic.Uint64 // the run that started each worker last; 0 if the worker left it

	allowed func() bool // maySpin, bound once: a closure for every wait would be garbage
}

func (s *share) open(o PoolOptions) {
	s.cores, s.inside, s.allowed = o.Cores, make([]atomic.Uint64, o.Threads), s.maySpin
}

// hold takes cores for a call of the backend: several runs with little between them.
func (p *Pool) hold() {
	s := &p.share
	if s.cores == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls == 0 {
		s.held.Store(int32(max(1, s.cores.Take(len(p.workers)))))
		s.since = time.Now()
	}
	s.calls++
}

// release ends what hold began.
func (p *Pool) release() {
	s := &p.share
	if s.cores == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls--; s.calls == 0 {
		s.held.Store(0)
		s.cores.Release()
	}
}

// maySpin reports whether an idle worker may keep its core busy.
func (s *share) maySpin() bool {
	return s.cores == nil || s.held.Load() > 0 && !s.cores.Wanted()
}

// size is how many workers a run begins with.
func (p *Pool) size() int {
	if p.share.cores == nil {
		return len(p.workers)
	}
	return min(len(p.workers), int(p.share.held.Load()))
}

// start lets worker i of the current run compute.
func (p *Pool) start(i int) {
	p.share.inside[i].Store(p.share.run)
	p.workers[i].start.unpark()
}

// adjust follows the other pools between two pieces of a run, and reports whether
// worker i is to leave the run: others compute what is left of its range.
func (p *Pool) adjust(i int) (leaves bool) {
	s := &p.share
	switch {
	case s.cores == nil:
		return false
	case !s.cores.Wanted():
		if i == 0 {
			p.grow()
		}
		return false
	case i > 0:
		if !s.cores.Pass() {
			return false
		}
		s.held.Add(-1)
		s.inside[i].Store(0)
		return true
	case s.held.Load() <= 1 && time.Since(s.since) > quantum:
		s.cores.Yield()
		s.since = time.Now()
	}
	return false
}

// grow lets one more worker into the run, if a core is free.
func (p *Pool) grow() {
	s := &p.share
	if int(s.held.Load()) >= len(p.workers) || s.cores.More(1) == 0 {
		return
	}
	s.held.Add(1)
	for i := 1; i < len(p.workers); i++ {
		if s.inside[i].Load() != s.run {
			p.start(i)
			return
		}
	}
}
