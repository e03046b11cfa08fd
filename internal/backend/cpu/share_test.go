package cpu

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// moody are cores that come and go at random: none at all, too, as from a budget that
// is damaged.
type moody struct {
	mu     sync.Mutex // guards random
	random *rand.Rand
	yields atomic.Int64
	passed atomic.Int64
}

func (m *moody) chance(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.random.IntN(n)
}

func (m *moody) Take(want int) int { return m.chance(want + 1) }
func (m *moody) More(int) int      { return m.chance(2) }
func (m *moody) Wanted() bool      { return m.chance(2) == 0 }
func (m *moody) Yield()            { m.yields.Add(1) }
func (m *moody) Release()          {}
func (m *moody) Pass() (given bool) {
	if given = m.chance(2) == 0; given {
		m.passed.Add(1)
	}
	return given
}

// TestEveryOutputIsComputedOnceWhileCoresComeAndGo runs loops of several goroutines whose
// workers leave and join between any two pieces, until at least one has left.
func TestEveryOutputIsComputedOnceWhileCoresComeAndGo(t *testing.T) {
	cores := &moody{random: rand.New(rand.NewPCG(1, 2))}
	p := NewPool(PoolOptions{Threads: 4, Cores: cores})
	defer p.Close()
	var callers sync.WaitGroup
	for range 2 {
		callers.Go(func() {
			// On a busy machine the first runs may end before any worker comes.
			for i := 0; i < 300 || cores.passed.Load() == 0; i++ {
				n := i % 300
				seen := make([]atomic.Int32, n)
				p.run(n, 3, func(_ *worker, lo, hi int) {
					for i := lo; i < hi; i++ {
						seen[i].Add(1)
					}
				})
				for i := range seen {
					if c := seen[i].Load(); c != 1 {
						t.Errorf("of %d outputs, %d was computed %d times", n, i, c)
					}
				}
			}
		})
	}
	callers.Wait()
}

// scripted are cores of which one is free at first, and a second one later.
type scripted struct {
	moody
	free, held int
	wanted     bool
}

func (s *scripted) Take(want int) int { return s.More(want) }
func (s *scripted) More(n int) int {
	got := min(n, s.free)
	s.free, s.held = s.free-got, s.held+got
	return got
}
func (s *scripted) Wanted() bool { return s.wanted }
func (s *scripted) Release()     { s.free, s.held = s.free+s.held, 0 }

// TestARunGrowsWhenACoreBecomesFree begins with one core; the second worker must come
// for the run to end.
func TestARunGrowsWhenACoreBecomesFree(t *testing.T) {
	cores := &scripted{free: 1}
	p := NewPool(PoolOptions{Threads: 2, Cores: cores})
	defer p.Close()
	second := make(chan struct{})
	var once sync.Once
	p.run(64, 1, func(w *worker, lo, _ int) {
		switch {
		case w == p.workers[1]:
			once.Do(func() { close(second) })
		case lo == 0:
			cores.free = 1
		default:
			<-second
		}
	})
	if cores.free != 2 || p.share.held.Load() != 0 {
		t.Errorf("%d cores are free after the run, the pool has %d", cores.free, p.share.held.Load())
	}
}

// TestTheLastCoreIsYieldedAfterItsQuantum: not before, and only if it is wanted.
func TestTheLastCoreIsYieldedAfterItsQuantum(t *testing.T) {
	for _, c := range []struct {
		wanted bool
		since  time.Duration
		yields bool
	}{{true, 2 * quantum, true}, {true, 0, false}, {false, 2 * quantum, false}} {
		cores := &scripted{free: 1, wanted: c.wanted}
		p := NewPool(PoolOptions{Threads: 2, Cores: cores})
		p.hold()
		p.share.since = time.Now().Add(-c.since)
		p.adjust(0)
		if got := cores.yields.Load() > 0; got != c.yields {
			t.Errorf("wanted %v, %v after it was taken: yielded %v", c.wanted, c.since, got)
		}
		p.release()
		p.Close()
	}
}
