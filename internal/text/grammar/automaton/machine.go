package automaton

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
)

// Limits bound a Machine. All are at least 1.
type Limits struct {
	Nesting  int // rules inside themselves
	Readings int // of one text at the same time: a step adds none beyond it
	Sets     int // in the cache
}

// Machine runs a Program.
type Machine struct {
	p      *Program
	limits Limits
	bottom *frame
	dead   *Set

	age     int // how often the caches were cleared
	frames  map[frameKey]*frame
	sets    map[string]*Set
	classes []int32 // of states, see horizon
	kinds   map[string]uint64
	ids     uint64 // of frames and kinds; never used again
}

// frame is a caller that waits: it continues at state to. Equal frames of one age
// are one frame.
type frame struct {
	caller *frame // nil at the bottom
	to     int32
	depth  int32
	id     uint64
	kind   uint64 // equal for frames that differ only in states of one class
	role   role
	path   string // of a list: names the frame among those of one text
}

type frameKey struct {
	caller    uint64
	to, depth int32
	role      role
}

// reading is one way to read the text so far.
type reading struct {
	at    int32
	frame *frame
}

// Set is all readings of a text so far, in the order in which they were found.
type Set struct {
	readings  []reading
	age       int    // of the frames
	next      []*Set // by class of bytes; nil is not computed yet
	accepting bool
	open      bool
	plain     bool
	kind      uint64
	opened    []string // lists without repetition that the last byte has begun
	counts    []int    // of the Program
}

// Accepting reports that the text so far is recognized.
func (s *Set) Accepting() bool { return s.accepting }

// Open reports that more may follow the text so far.
func (s *Set) Open() bool { return s.open }

// Kind names what may follow within the horizon: the number of bytes that
// NewMachine was given, the length of the longest token for a grammar. A Machine
// puts states into classes, such that no text of at most that many bytes tells
// two states of a class apart. Two Sets have one Kind if the states of their
// readings, and of the callers that wait, are of equal classes one by one.
//
// If two Sets have one Kind, and all Sets within the horizon of one of them are
// Plain, then either both accept or neither does, and a text within the horizon
// is dead after both or after neither. So one mask of tokens serves both.
//
// An example: the horizon is 2 and the text is nine digits. After "1" eight more
// are expected, after "12" seven. No text of two bytes tells these apart: both
// continue with two digits and with nothing else, so the Sets have one Kind. After
// "12345678" one more digit is expected. There "9" leads on and "90" is dead, which
// it was not before: another Kind. So nine digits have ten Sets and three Kinds:
// two or more digits to come, one, and none.
func (s *Set) Kind() uint64 { return s.kind }

// Plain reports that the last byte led to exactly these readings: no reading was
// found twice, and none was dropped because of the limit. Where readings merge or
// are dropped, equal classes do not mean equal futures.
func (s *Set) Plain() bool { return s.plain }

// NewMachine returns a Machine. It fails if every text is nested deeper than the
// limit, or if more readings may begin at one place than the limit allows: some
// would be dropped in every text. horizon is the number of bytes that Kind looks
// ahead.
func NewMachine(p *Program, l Limits, horizon int) (*Machine, error) {
	if need := p.states[p.rules[p.root].start].height; int(need) > l.Nesting {
		return nil, fmt.Errorf("every text is nested %d deep: %w, the limit is %d", need, ErrTooLarge, l.Nesting)
	}
	if width := p.width(); width > l.Readings {
		return nil, fmt.Errorf("a text can be read in %d ways at once: %w, the limit is %d", width, ErrTooLarge, l.Readings)
	}
	m := &Machine{p: p, limits: l, dead: &Set{plain: true}, bottom: &frame{}, classes: p.horizon(horizon), kinds: map[string]uint64{}}
	m.clearCaches()
	return m, nil
}

// clearCaches drops all frames and Sets. Sets that callers hold stay valid.
func (m *Machine) clearCaches() {
	m.age++
	m.frames, m.sets = map[frameKey]*frame{}, map[string]*Set{}
}

// Start returns the readings of the empty text.
func (m *Machine) Start() *Set {
	c := closure{m: m, plain: true}
	c.add(reading{m.p.rules[m.p.root].start, m.bottom})
	return m.intern(&c)
}

// Dead is the Set without readings: the text cannot be recognized.
func (m *Machine) Dead() *Set { return m.dead }

// Step returns the readings after one more byte.
func (m *Machine) Step(s *Set, b byte) *Set {
	if s == m.dead {
		return s
	}
	if next := s.next[m.p.class[b]]; next != nil {
		return next
	}
	return m.extend(s, b)
}

// extend computes a step.
func (m *Machine) extend(s *Set, b byte) *Set {
	c := closure{m: m, plain: true}
	for _, r := range s.readings {
		if s.age != m.age {
			r.frame = m.renew(r.frame)
		}
		// Only whole steps are left out: part of one could be a dead end.
		if len(c.readings) >= m.limits.Readings {
			c.plain = false
			break
		}
		moves := m.p.movesOf(r.at)
		i := sort.Search(len(moves), func(i int) bool { return moves[i].hi >= b })
		if i < len(moves) && moves[i].lo <= b {
			c.add(reading{moves[i].to, r.frame})
		}
	}
	next := m.dead
	if len(c.readings) > 0 {
		next = m.intern(&c)
	}
	s.next[m.p.class[b]] = next
	return next
}

// intern returns the Set of a closure.
func (m *Machine) intern(c *closure) *Set {
	key := make([]byte, 0, 1+12*len(c.readings))
	if c.plain { // the same readings may be found both ways
		key = append(key, 1)
	}
	for _, r := range c.readings {
		key = binary.LittleEndian.AppendUint32(key, uint32(r.at))
		key = binary.LittleEndian.AppendUint64(key, r.frame.id)
	}
	if s, ok := m.sets[string(key)]; ok {
		return s
	}
	age := m.age
	if len(m.sets) >= m.limits.Sets {
		m.clearCaches()
	}
	s := &Set{readings: c.readings, age: age, next: make([]*Set, m.p.count), accepting: c.accepting, plain: c.plain, kind: m.kind(c.readings)}
	for _, r := range c.readings {
		for _, to := range m.p.movesOf(r.at) {
			s.open = s.open || c.fits(reading{to.to, r.frame})
		}
	}
	s.counts = m.p.texts
	for _, r := range s.readings {
		if r.frame.role == list && m.p.begins[r.at] {
			s.opened = append(s.opened, r.frame.path)
		}
	}
	m.sets[string(key)] = s
	return s
}

// push returns the frame of a caller that continues at a state.
func (m *Machine) push(caller *frame, to, weight int32, as role) *frame {
	key := frameKey{caller.id, to, caller.depth + weight, as}
	f, ok := m.frames[key]
	if !ok {
		m.ids++
		f = &frame{caller: caller, to: to, depth: key.depth, id: m.ids, role: as}
		if as == list {
			for up := f; up.caller != nil; up = up.caller {
				f.path += fmt.Sprint(up.to, up.role, " ")
			}
		}
		f.kind = m.name([]uint64{caller.kind, uint64(m.classes[to]), uint64(f.depth)})
		m.frames[key] = f
	}
	return f
}

// renew returns the frame of this age that equals a frame of an earlier age.
func (m *Machine) renew(f *frame) *frame {
	if f == m.bottom {
		return f
	}
	return m.push(m.renew(f.caller), f.to, f.depth-f.caller.depth, f.role)
}

// kind names readings by the classes of their states.
func (m *Machine) kind(readings []reading) uint64 {
	parts := make([]uint64, 0, 2*len(readings))
	for _, r := range readings {
		parts = append(parts, uint64(m.classes[r.at]), r.frame.kind)
	}
	return m.name(parts)
}

// name returns a number for a list of numbers: equal ones for equal lists, as
// long as the list is in the cache. Lists of frames have three entries, those of
// readings an even number, so they never meet.
func (m *Machine) name(parts []uint64) uint64 {
	key := make([]byte, 0, 8*len(parts))
	for _, p := range parts {
		key = binary.LittleEndian.AppendUint64(key, p)
	}
	id, ok := m.kinds[string(key)]
	if !ok {
		if len(m.kinds) >= 2*m.limits.Sets {
			clear(m.kinds)
		}
		m.ids++
		id = m.ids
		m.kinds[string(key)] = id
	}
	return id
}

// closure collects readings, and those that follow from them by calls and returns
// without reading a byte.
type closure struct {
	m         *Machine
	readings  []reading
	accepting bool
	plain     bool
}

func (c *closure) add(r reading) {
	m, s := c.m, &c.m.p.states[r.at]
	if !c.fits(r) {
		return
	}
	if slices.Contains(c.readings, r) {
		c.plain = false
		return
	}
	c.readings = append(c.readings, r)
	if s.final && r.frame == m.bottom {
		c.accepting = true
	} else if s.final {
		c.add(reading{r.frame.to, r.frame.caller})
	}
	for _, call := range m.p.callsOf(r.at) {
		c.call(r, call)
	}
}

// call enters a rule if the rule and what follows the call can be finished. A
// caller that has nothing left to read gets no frame: a tail call.
func (c *closure) call(r reading, to call) {
	m := c.m
	callee := m.p.rules[to.rule]
	if m.p.last(to.to) && callee.role == plain {
		c.add(reading{callee.start, r.frame})
	} else if c.fits(reading{to.to, r.frame}) {
		c.add(reading{callee.start, m.push(r.frame, to.to, callee.weight, callee.role)})
	}
}

// fits reports that a reading can be finished within the nesting limit.
func (c *closure) fits(r reading) bool {
	return int(r.frame.depth+c.m.p.states[r.at].height) <= c.m.limits.Nesting
}
