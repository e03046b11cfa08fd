package automaton

import "slices"

// Program is a network of deterministic automata.
type Program struct {
	states []state
	moves  []move
	calls  []call
	rules  []rule
	root   int32
	class  [256]uint8 // bytes that no state tells apart share a class
	count  int        // of classes
	texts  []int      // see counts; nil without lists
	begins []bool     // by state: a list without repetition begins; nil without lists
}

// state is a state of one rule.
type state struct {
	moves, calls span
	final        bool
	// height is the minimum nesting that the rest of this rule needs.
	height int32
}

// span is a part of Program.moves or Program.calls.
type span struct{ from, to int32 }

type move struct {
	lo, hi byte
	to     int32
}

type call struct {
	rule, to int32
}

type rule struct {
	name  string
	start int32
	// weight is 1 for a rule that may be inside itself: nesting counts these.
	weight int32
	role   role
	item   int32 // the rule of a list's items
	least  int   // texts of an item
}

// States returns the number of states.
func (p *Program) States() int { return len(p.states) }

func (p *Program) movesOf(q int32) []move {
	return p.moves[p.states[q].moves.from:p.states[q].moves.to]
}
func (p *Program) callsOf(q int32) []call {
	return p.calls[p.states[q].calls.from:p.states[q].calls.to]
}

// last reports that nothing follows a state in its rule.
func (p *Program) last(q int32) bool {
	s := &p.states[q]
	return s.final && s.moves.from == s.moves.to && s.calls.from == s.calls.to
}

// width is the maximum number of readings of a text that may begin at one place:
// a state, the rules that it calls, and the rules that these call before a byte
// is read.
func (p *Program) width() int {
	widest := 1
	seen := make([]int32, len(p.rules)) // by rule: the last state that has counted it
	for q := range p.states {
		count := 1
		for calls := slices.Clone(p.callsOf(int32(q))); len(calls) > 0; {
			r := calls[len(calls)-1].rule
			calls = calls[:len(calls)-1]
			if seen[r] == int32(q)+1 {
				continue
			}
			seen[r] = int32(q) + 1
			count++
			calls = append(calls, p.callsOf(p.rules[r].start)...)
		}
		widest = max(widest, count)
	}
	return widest
}

// classify puts bytes into classes that every state treats alike.
func (p *Program) classify() {
	var cut [257]bool
	for _, m := range p.moves {
		cut[m.lo], cut[int(m.hi)+1] = true, true
	}
	for b := range 256 {
		if b > 0 && cut[b] {
			p.count++
		}
		p.class[b] = uint8(p.count)
	}
	p.count++
}
