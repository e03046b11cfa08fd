package cpu

import "sync/atomic"

// workRange is the part of a run that one worker owns, in grains. The owner takes
// from the front, in the order of memory. A worker that has finished its own
// range steals from the back.
type workRange struct {
	left atomic.Uint64 // first<<32 | end
	_    [56]byte      // no two ranges in one cache line
}

func (r *workRange) set(first, end int) { r.left.Store(pack(uint32(first), uint32(end))) }

func pack(first, end uint32) uint64 { return uint64(first)<<32 | uint64(end) }

// take takes a quarter of the range from the front, rounded up. A quarter leaves
// much to steal while the owner is slow, and pieces get small towards the end.
func (r *workRange) take() (lo, hi int, ok bool) {
	for {
		old := r.left.Load()
		first, end := uint32(old>>32), uint32(old)
		if first >= end {
			return 0, 0, false
		}
		next := first + (end-first+3)/4
		if r.left.CompareAndSwap(old, pack(next, end)) {
			return int(first), int(next), true
		}
	}
}

// steal takes half of the range from the back, rounded up.
func (r *workRange) steal() (lo, hi int, ok bool) {
	for {
		old := r.left.Load()
		first, end := uint32(old>>32), uint32(old)
		if first >= end {
			return 0, 0, false
		}
		next := end - (end-first+1)/2
		if r.left.CompareAndSwap(old, pack(first, next)) {
			return int(next), int(end), true
		}
	}
}

// activeWorkers counts the workers inside a run besides its caller. A worker that
// arrives after the end of the run is not admitted, so that the caller never
// waits for a worker that sleeps.
type activeWorkers struct {
	state atomic.Int32 // the number of workers inside, and open
	idle  parker       // gets its permit when the last worker leaves a run that has ended
}

// open is the bit of state that is set while a run admits workers.
const open int32 = 1 << 30

func newActiveWorkers() activeWorkers { return activeWorkers{idle: newParker()} }

// begin starts a run. No worker is inside.
func (a *activeWorkers) begin() { a.state.Store(open) }

// join reports whether a run admitted the worker.
func (a *activeWorkers) join() bool {
	for {
		s := a.state.Load()
		if s&open == 0 {
			return false
		}
		if a.state.CompareAndSwap(s, s+1) {
			return true
		}
	}
}

func (a *activeWorkers) leave() {
	if a.state.Add(-1) == 0 {
		a.idle.unpark()
	}
}

// end admits no more workers and reports whether one is still inside: then idle
// will get its permit.
func (a *activeWorkers) end() bool { return a.state.And(^open) != open }
