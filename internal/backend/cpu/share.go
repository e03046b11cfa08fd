package cpu

import "sync/atomic"

// share is what is left of a worker's part of a run, in grains. Its owner takes
// from the front, in memory's order; a worker that has finished its own
// part takes from the back.
type share struct {
	left atomic.Uint64 // first<<32 | end
	_    [56]byte      // no two shares in one cache line
}

func (s *share) set(first, end int) { s.left.Store(pack(uint32(first), uint32(end))) }

func pack(first, end uint32) uint64 { return uint64(first)<<32 | uint64(end) }

// front takes a quarter of what is left, so that much stays for others while the
// owner is slow and pieces get small towards the end.
func (s *share) front() (lo, hi int, ok bool) {
	for {
		old := s.left.Load()
		first, end := uint32(old>>32), uint32(old)
		if first >= end {
			return 0, 0, false
		}
		next := first + (end-first+3)/4
		if s.left.CompareAndSwap(old, pack(next, end)) {
			return int(first), int(next), true
		}
	}
}

// back takes half of what is left.
func (s *share) back() (lo, hi int, ok bool) {
	for {
		old := s.left.Load()
		first, end := uint32(old>>32), uint32(old)
		if first >= end {
			return 0, 0, false
		}
		next := end - (end-first+1)/2
		if s.left.CompareAndSwap(old, pack(first, next)) {
			return int(next), int(end), true
		}
	}
}

// crew are the workers inside a run besides its caller. A worker that wakes after
// the run has ended does not join it, so the run never waits for a sleeping worker.
type crew struct {
	state atomic.Int32 // workers inside, and running
	empty gate         // opens when the last has left a run that has ended
}

const running int32 = 1 << 30

func newCrew() crew { return crew{empty: newGate()} }

// begin lets workers join. None has joined yet.
func (c *crew) begin() { c.state.Store(running) }

// join reports whether there is a run, and is inside it then.
func (c *crew) join() bool {
	for {
		s := c.state.Load()
		if s&running == 0 {
			return false
		}
		if c.state.CompareAndSwap(s, s+1) {
			return true
		}
	}
}

func (c *crew) leave() {
	if c.state.Add(-1) == 0 {
		c.empty.open()
	}
}

// end lets no more workers join and reports whether any is inside: then empty will
// open.
func (c *crew) end() bool { return c.state.And(^running) != running }
