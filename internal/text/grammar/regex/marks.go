package regex

import (
	"encoding/binary"
	"slices"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
)

// Ignoring accepts the texts that d accepts, with any marks in them.
func (d *DFA) Ignoring(marks []Range) *DFA {
	out := &DFA{states: make([]state, len(d.states))}
	for i, s := range d.states {
		edges := slices.Clone(s.edges)
		for _, m := range marks {
			edges = append(edges, edge{m, i})
		}
		slices.SortFunc(edges, func(a, b edge) int { return int(a.Lo) - int(b.Lo) })
		out.states[i] = state{s.accepting, edges}
	}
	return out
}

// Behind accepts the texts in which what follows some mark is accepted by d.
func (d *DFA) Behind(mark Range, budget *automaton.Budget) (*DFA, error) {
	const before = -1 // no mark was chosen
	s := subsets{budget: budget}
	s.edges = func(at int) []edge {
		if at != before {
			return d.states[at].edges
		}
		all := []edge{{mark, 0}}
		for _, r := range Scalars() {
			all = append(all, edge{r, before})
		}
		return all
	}
	s.accepts = func(at int) bool { return at != before && d.states[at].accepting }
	return s.build(before)
}

// Erasing accepts the texts that d accepts, without the marks.
func (d *DFA) Erasing(marks []Range, budget *automaton.Budget) (*DFA, error) {
	isMark := func(e edge) bool {
		return slices.ContainsFunc(marks, func(m Range) bool { return m.Lo <= e.Lo && e.Hi <= m.Hi })
	}
	s := subsets{budget: budget}
	s.edges = func(at int) []edge { return slices.DeleteFunc(slices.Clone(d.states[at].edges), isMark) }
	s.silent = func(at int) (to []int) {
		for _, e := range d.states[at].edges {
			if isMark(e) {
				to = append(to, e.to)
			}
		}
		return to
	}
	s.accepts = func(at int) bool { return d.states[at].accepting }
	return s.build(0)
}

// subsets makes a DFA of states of which several may be taken at once.
type subsets struct {
	edges   func(at int) []edge
	silent  func(at int) []int // states that are taken with a state; nil is none
	accepts func(at int) bool
	budget  *automaton.Budget

	out   DFA
	ids   map[string]int
	queue [][]int
}

func (s *subsets) build(start int) (*DFA, error) {
	s.ids = map[string]int{}
	s.state([]int{start})
	for i := 0; i < len(s.queue); i++ {
		if err := s.budget.Err(len(s.queue)); err != nil {
			return nil, err
		}
		s.follow(i)
	}
	return s.out.trim(), nil
}

// state returns the state of some members.
func (s *subsets) state(members []int) int {
	for i := 0; s.silent != nil && i < len(members); i++ {
		for _, to := range s.silent(members[i]) {
			if !slices.Contains(members, to) {
				members = append(members, to)
			}
		}
	}
	slices.Sort(members)
	members = slices.Compact(members)
	s.budget.Spend(1 + len(members))
	var key []byte
	for _, m := range members {
		key = binary.LittleEndian.AppendUint32(key, uint32(m))
	}
	id, ok := s.ids[string(key)]
	if !ok {
		id = len(s.queue)
		s.ids[string(key)] = id
		s.queue = append(s.queue, members)
		s.out.states = append(s.out.states, state{accepting: slices.ContainsFunc(members, s.accepts)})
	}
	return id
}

// follow adds the edges of a state.
func (s *subsets) follow(i int) {
	var edges []edge
	var cuts []rune
	for _, m := range s.queue[i] {
		for _, e := range s.edges(m) {
			edges = append(edges, e)
			cuts = append(cuts, e.Lo, e.Hi+1)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for k := 0; k+1 < len(cuts) && !s.budget.Spent(); k++ {
		var targets []int
		for _, e := range edges {
			if e.Lo <= cuts[k] && cuts[k] <= e.Hi {
				targets = append(targets, e.to)
			}
		}
		s.budget.Spend(len(edges))
		if targets != nil {
			to := s.state(targets)
			s.out.states[i].add(edge{Range{Lo: cuts[k], Hi: cuts[k+1] - 1}, to})
		}
	}
}
