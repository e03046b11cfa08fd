package automaton

import (
	"errors"
	"fmt"
)

// ErrEmpty means that no text can be recognized.
var ErrEmpty = errors.New("no text can be recognized")

// checkCalls refuses rules that call themselves before they read a byte, and
// calls of rules that recognize the empty text: either could repeat without end
// and without reading.
func (p *Program) checkCalls() error {
	const unknown, active, done = 0, 1, 2
	mark := make([]int, len(p.rules))
	var visit func(r int32) error
	visit = func(r int32) error {
		switch mark[r] {
		case active:
			return fmt.Errorf("%s leads to itself before anything is read", p.rules[r].name)
		case done:
			return nil
		}
		mark[r] = active
		for _, c := range p.callsOf(p.rules[r].start) {
			if err := visit(c.rule); err != nil {
				return err
			}
		}
		mark[r] = done
		return nil
	}
	for r := range p.rules {
		if err := visit(int32(r)); err != nil {
			return err
		}
	}
	for _, c := range p.calls {
		if r := p.rules[c.rule]; p.states[r.start].final {
			return fmt.Errorf("%s is called and may be empty", r.name)
		}
	}
	return nil
}

// weigh finds the rules that may be inside themselves: those in a cycle of
// calls, which is a strongly connected component with an edge (Tarjan, 1972).
func (p *Program) weigh() {
	callees := make([][]int32, len(p.rules))
	for r := range p.rules {
		end := int32(len(p.states))
		if r+1 < len(p.rules) {
			end = p.rules[r+1].start
		}
		for q := p.rules[r].start; q < end; q++ {
			for _, c := range p.callsOf(q) {
				callees[r] = append(callees[r], c.rule)
			}
		}
	}
	t := &tarjan{callees: callees, index: make([]int32, len(p.rules)), low: make([]int32, len(p.rules)), on: make([]bool, len(p.rules))}
	t.cycle = func(r int32) { p.rules[r].weight = 1 }
	for r := range p.rules {
		if t.index[r] == 0 {
			t.visit(int32(r))
		}
	}
}

type tarjan struct {
	callees [][]int32
	index   []int32 // from 1, in the order of discovery
	low     []int32
	on      []bool
	stack   []int32
	next    int32
	cycle   func(rule int32)
}

func (t *tarjan) visit(r int32) {
	t.next++
	t.index[r], t.low[r], t.on[r] = t.next, t.next, true
	t.stack = append(t.stack, r)
	self := false
	for _, c := range t.callees[r] {
		self = self || c == r
		switch {
		case t.index[c] == 0:
			t.visit(c)
			t.low[r] = min(t.low[r], t.low[c])
		case t.on[c]:
			t.low[r] = min(t.low[r], t.index[c])
		}
	}
	if t.low[r] != t.index[r] {
		return
	}
	size := 0
	for at := int32(-1); at != r; size++ {
		at = t.stack[len(t.stack)-1-size]
	}
	for _, member := range t.stack[len(t.stack)-size:] {
		t.on[member] = false
		if size > 1 || self {
			t.cycle(member)
		}
	}
	t.stack = t.stack[:len(t.stack)-size]
}

const unreachable = int32(1) << 30

// heights finds for each state the minimum nesting with which its rule can be
// finished, or unreachable. Level by level: what can be finished with a nesting
// of n, then what can with n+1.
func (p *Program) heights() []int32 {
	h := &climb{p: p, height: make([]int32, len(p.states)), before: make([][]int32, len(p.states)), callers: make([][]int32, len(p.rules)), starts: map[int32][]int32{}}
	for q := range h.height {
		h.height[q] = unreachable
		for _, m := range p.movesOf(int32(q)) {
			h.before[m.to] = append(h.before[m.to], int32(q))
		}
		for _, c := range p.callsOf(int32(q)) {
			h.before[c.to] = append(h.before[c.to], int32(q))
			h.callers[c.rule] = append(h.callers[c.rule], int32(q))
		}
	}
	for r := range p.rules {
		h.starts[p.rules[r].start] = append(h.starts[p.rules[r].start], int32(r))
	}
	ready := []int32{}
	for q := range p.states {
		if p.states[q].final {
			ready = append(ready, int32(q))
		}
	}
	for level := int32(0); len(ready) > 0; level++ {
		ready = h.settle(ready, level)
	}
	return h.height
}

type climb struct {
	p       *Program
	height  []int32
	before  [][]int32         // states with a transition to a state
	callers [][]int32         // states that call a rule
	starts  map[int32][]int32 // rules that start at a state
}

// settle gives a level to the states that are ready and to all from which they
// are reached without more nesting. It returns those that may be ready next.
func (h *climb) settle(queue []int32, level int32) (next []int32) {
	for len(queue) > 0 {
		q := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if h.height[q] != unreachable || !h.finishes(q, level) {
			continue
		}
		h.height[q] = level
		queue = append(queue, h.before[q]...)
		for _, r := range h.starts[q] {
			if h.p.rules[r].weight == 0 {
				queue = append(queue, h.callers[r]...)
			} else {
				next = append(next, h.callers[r]...)
			}
		}
	}
	return next
}

// finishes reports whether a state's rule can be finished within a level.
func (h *climb) finishes(q, level int32) bool {
	if h.p.states[q].final {
		return true
	}
	for _, m := range h.p.movesOf(q) {
		if h.height[m.to] <= level {
			return true
		}
	}
	for _, c := range h.p.callsOf(q) {
		if h.height[c.to] <= level && h.called(c) <= level {
			return true
		}
	}
	return false
}

// called is the nesting that a call needs.
func (h *climb) called(c call) int32 {
	r := h.p.rules[c.rule]
	return r.weight + h.height[r.start]
}

// trim returns the Program without transitions that cannot be finished, or nil
// when nothing is left.
func (p *Program) trim(height []int32) *Program {
	if height[p.rules[p.root].start] == unreachable {
		return nil
	}
	t := &Program{rules: p.rules, root: p.root, states: make([]state, len(p.states))}
	for q := range p.states {
		s := state{final: p.states[q].final, height: height[q]}
		s.moves.from, s.calls.from = int32(len(t.moves)), int32(len(t.calls))
		for _, m := range p.movesOf(int32(q)) {
			if height[m.to] != unreachable {
				t.moves = append(t.moves, m)
			}
		}
		for _, c := range p.callsOf(int32(q)) {
			if height[c.to] != unreachable && height[p.rules[c.rule].start] != unreachable {
				t.calls = append(t.calls, c)
			}
		}
		s.moves.to, s.calls.to = int32(len(t.moves)), int32(len(t.calls))
		t.states[q] = s
	}
	return t
}
