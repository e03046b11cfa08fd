package cores

import (
	"math/bits"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// staleAfter is how long a dead member keeps its cores, if others want them.
	staleAfter = 40 * time.Millisecond
	// hungAfter is the same for one that lives and shows no progress, because it was
	// stopped. It is longer than a piece of work of the largest model.
	hungAfter = 500 * time.Millisecond
	// nap is how long a member sleeps before it looks for dead owners.
	nap = 10 * time.Millisecond
	// patience is how long a member waits before it computes without a core.
	patience = time.Second
)

// Member is one pool of workers among those that share a budget.
type Member struct {
	file   *os.File
	shared *layout
	mapped []byte
	me     uint32 // 1 + the index of its slot
	cores  int
	now    func() time.Time

	waited    atomic.Int64 // nanoseconds
	recovered atomic.Int64

	mu   sync.Mutex // guards seen
	seen []sight    // of each slot
}

// sight is when a member was first seen at its beat.
type sight struct {
	beat  uint32
	since time.Time
}

// Cores is the number of cores of the budget.
func (m *Member) Cores() int { return m.cores }

// Held is how many cores the member has.
func (m *Member) Held() (n int) {
	for i := range m.cores {
		if m.shared.owners[i].Load() == m.me {
			n++
		}
	}
	return n
}

// Running is how many threads of all members compute: one for every core that has an
// owner, and one for every member that computes without.
func (m *Member) Running() (n int) {
	for i := range m.cores {
		if m.shared.owners[i].Load() != 0 {
			n++
		}
	}
	for i := range m.shared.slots {
		if m.shared.slots[i].over.Load() != 0 && !m.dead(uint32(i+1)) {
			n++
		}
	}
	return n
}

// Take gets up to want cores and returns how many the member has then. It waits until
// it has one. It returns 0 if none came for patience: then the caller computes with one
// thread nevertheless.
func (m *Member) Take(want int) int {
	m.beat()
	m.slot(m.me).busy.Store(1)
	held := m.Held()
	if held < want {
		held += m.grab(want - held)
	}
	if held == 0 {
		m.wait()
		held = m.Held()
		if held > 0 && held < want {
			held += m.grab(want - held)
		}
		if held == 0 {
			m.slot(m.me).over.Store(1)
		}
	}
	return held
}

// More gets up to n more cores, without waiting, and returns how many.
func (m *Member) More(n int) int {
	m.beat()
	return m.grab(n)
}

// Release gives every core back.
func (m *Member) Release() {
	m.beat()
	m.slot(m.me).over.Store(0)
	m.slot(m.me).busy.Store(0) // before it looks for its cores: see hand
	for i := range m.cores {
		if m.shared.owners[i].Load() == m.me {
			m.free(i)
		}
	}
}

// Wanted reports that some member waits for a core.
func (m *Member) Wanted() bool {
	m.beat()
	next, _ := m.oldest()
	return next != 0
}

// Pass gives one core to the member that has waited longest, and reports whether it
// did.
func (m *Member) Pass() bool {
	m.beat()
	for i := range m.cores {
		if m.shared.owners[i].Load() != m.me {
			continue
		}
		next := m.endTurn()
		return next != 0 && m.hand(i, next)
	}
	return false
}

// Yield passes the only core on, and waits for another one, if some member waits.
func (m *Member) Yield() {
	if m.Pass() && m.Held() == 0 {
		m.wait()
	}
}

// Stats are what a member has, and what was counted since Open.
type Stats struct {
	Cores, Held int           // of the budget; of the member
	Waited      time.Duration // without a core
	Recovered   int64         // cores of members that were dead or hung
}

// Stats returns what was counted.
func (m *Member) Stats() Stats {
	return Stats{m.cores, m.Held(), time.Duration(m.waited.Load()), m.recovered.Load()}
}

func (m *Member) slot(id uint32) *slot { return &m.shared.slots[id-1] }

func (m *Member) beat() { m.slot(m.me).beat.Add(1) }

// grab takes up to n free cores, and those of the dead if there are too few.
func (m *Member) grab(n int) (got int) {
	for i := 0; i < m.cores && got < n; i++ {
		if m.shared.owners[i].Load() == 0 && m.shared.owners[i].CompareAndSwap(0, m.me) {
			got++
		}
	}
	if got < n {
		got += m.recover(n - got)
	}
	return got
}

// free gives core i to the member that has waited longest, or to no member. A member that
// begins to wait after the first look is found by the second, or finds the core free
// itself.
func (m *Member) free(i int) {
	if next := m.endTurn(); next != 0 {
		m.hand(i, next)
		return
	}
	if !m.shared.owners[i].CompareAndSwap(m.me, 0) {
		return
	}
	if next, _ := m.oldest(); next == 0 || !m.shared.owners[i].CompareAndSwap(0, m.me) {
		return
	}
	if next := m.endTurn(); next != 0 {
		m.hand(i, next)
		return
	}
	m.shared.owners[i].CompareAndSwap(m.me, 0)
}

// hand makes a member, whose turn has come, the owner of core i, and wakes it.
// It reports whether the core was the caller's to give.
//
// The member may have found another core since its turn came, and may have released
// everything. Then either its Release finds this core, or hand finds the member idle, and
// gives the core to the next one.
func (m *Member) hand(i int, next uint32) bool {
	given := m.shared.owners[i].CompareAndSwap(m.me, next)
	s := m.slot(next)
	s.word.Add(1)
	wake(&s.word)
	if given && s.busy.Load() == 0 && m.shared.owners[i].CompareAndSwap(next, m.me) {
		m.free(i)
	}
	return given
}

// oldest is the member besides this one that has waited longest, and its turn: 0 if none
// waits. A process that is killed between two steps of queue leaves a bit without a turn,
// which says nothing.
func (m *Member) oldest() (best, turn uint32) {
	now, age := m.shared.turn.Load(), uint32(0)
	for i := range m.shared.waiting {
		for left := m.shared.waiting[i].Load(); left != 0; left &= left - 1 {
			id := uint32(i*64 + bits.TrailingZeros64(left) + 1)
			t := m.slot(id).turn.Load()
			// Turns wrap around: what counts is how many were taken since.
			if t != 0 && id != m.me && (best == 0 || now-t > age) {
				best, turn, age = id, t, now-t
			}
		}
	}
	return best, turn
}

// endTurn ends the turn of the member that has waited longest: 0 if none waits.
func (m *Member) endTurn() uint32 {
	for {
		next, turn := m.oldest()
		if next == 0 || m.slot(next).turn.CompareAndSwap(turn, 0) {
			return next
		}
	}
}

// wait returns when the member has a core, or has waited for patience.
func (m *Member) wait() {
	began := m.now()
	defer func() { m.waited.Add(int64(m.now().Sub(began))) }()
	s := m.slot(m.me)
	for waited := time.Duration(0); waited < patience; waited = m.now().Sub(began) {
		seen := s.word.Load()
		m.queue(s)
		if m.Held() > 0 || m.grab(1) > 0 {
			break
		}
		sleep(&s.word, seen, nap)
	}
	m.withdraw(s)
}

// queue takes a turn, unless the member has one.
func (m *Member) queue(s *slot) {
	if s.turn.Load() != 0 {
		return
	}
	t := m.shared.turn.Add(1)
	if t == 0 { // wrapped around: 0 is no turn
		t = m.shared.turn.Add(1)
	}
	word, bit := m.waitingBit()
	word.Or(bit)
	s.turn.Store(t)
}

// withdraw gives a turn back. A member that has ended it already gives a core, too.
func (m *Member) withdraw(s *slot) {
	s.turn.Store(0)
	word, bit := m.waitingBit()
	word.And(^bit)
}

// waitingBit is the member's own bit of waiting.
func (m *Member) waitingBit() (word *atomic.Uint64, bit uint64) {
	return &m.shared.waiting[(m.me-1)/64], 1 << ((m.me - 1) % 64)
}

// recover takes up to n cores of members that are dead or hung.
func (m *Member) recover(n int) (got int) {
	if !m.mu.TryLock() {
		return 0
	}
	defer m.mu.Unlock()
	now := m.now()
	for i := 0; i < m.cores && got < n; i++ {
		owner := m.shared.owners[i].Load()
		if owner == 0 || owner == m.me || owner > MaxMembers {
			if owner > MaxMembers && m.shared.owners[i].CompareAndSwap(owner, m.me) { // damaged
				got++
			}
			continue
		}
		s := &m.seen[owner-1]
		if beat := m.slot(owner).beat.Load(); beat != s.beat || s.since.IsZero() {
			*s = sight{beat, now}
			continue
		}
		age := now.Sub(s.since)
		gone := age > hungAfter || age > staleAfter && m.dead(owner)
		if gone && m.shared.owners[i].CompareAndSwap(owner, m.me) {
			got++
			m.recovered.Add(1)
		}
	}
	return got
}
