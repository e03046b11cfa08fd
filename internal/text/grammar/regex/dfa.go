package regex

import (
	"slices"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
)

// Range is the characters from Lo to Hi.
type Range = automaton.RuneRange

// Scalars is every character.
func Scalars() []Range { return []Range{{Lo: 0, Hi: 0xd7ff}, {Lo: 0xe000, Hi: utf8.MaxRune}} }

// DFA accepts a set of texts. State 0 is the start.
type DFA struct {
	states []state
}

type state struct {
	accepting bool
	edges     []edge
}

type edge struct {
	Range
	to int
}

// States returns the number of states.
func (d *DFA) States() int { return len(d.states) }

// Empty reports that no text is accepted.
func (d *DFA) Empty() bool {
	return len(d.states) == 1 && !d.states[0].accepting && len(d.states[0].edges) == 0
}

// Match reports whether a text is accepted.
func (d *DFA) Match(text string) bool {
	at := 0
	for _, r := range text {
		if at = d.states[at].next(r); at < 0 {
			return false
		}
	}
	return d.states[at].accepting
}

// next returns the state after a character, -1 when there is none.
func (s *state) next(r rune) int {
	i, found := slices.BinarySearchFunc(s.edges, r, func(e edge, r rune) int {
		switch {
		case e.Hi < r:
			return -1
		case e.Lo > r:
			return 1
		}
		return 0
	})
	if !found {
		return -1
	}
	return s.edges[i].to
}

// add appends an edge after the last, joining the two when they can be one.
func (s *state) add(e edge) {
	if n := len(s.edges); n > 0 && s.edges[n-1].to == e.to && s.edges[n-1].Hi+1 == e.Lo {
		s.edges[n-1].Hi = e.Hi
		return
	}
	s.edges = append(s.edges, e)
}

// Class accepts the texts made of the characters of a class. The ranges are
// disjoint and ascending.
func Class(class []Range) *DFA {
	s := state{accepting: true}
	for _, r := range class {
		s.add(edge{r, 0})
	}
	return &DFA{states: []state{s}}
}

// Length accepts the texts of minLen to maxLen characters; a negative maxLen is
// no limit.
func Length(minLen, maxLen int) *DFA {
	last := max(minLen, maxLen)
	d := &DFA{}
	for i := range last + 1 {
		s := state{accepting: i >= minLen && (maxLen < 0 || i <= maxLen)}
		if i < last || maxLen < 0 {
			for _, r := range Scalars() {
				s.add(edge{r, min(i+1, last)})
			}
		}
		d.states = append(d.states, s)
	}
	return d.trim()
}

// trim drops the states from which no text is accepted or to which none leads.
func (d *DFA) trim() *DFA {
	before := make([][]int, len(d.states))
	var queue []int
	for i, s := range d.states {
		for _, e := range s.edges {
			before[e.to] = append(before[e.to], i)
		}
		if s.accepting {
			queue = append(queue, i)
		}
	}
	useful := make([]bool, len(d.states))
	for len(queue) > 0 {
		i := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if !useful[i] {
			useful[i] = true
			queue = append(queue, before[i]...)
		}
	}
	t := &DFA{states: []state{{}}}
	ids := map[int]int{0: 0}
	for order := []int{0}; len(order) > 0; order = order[1:] {
		from := ids[order[0]]
		t.states[from].accepting = d.states[order[0]].accepting
		for _, e := range d.states[order[0]].edges {
			if !useful[e.to] {
				continue
			}
			id, ok := ids[e.to]
			if !ok {
				id = len(t.states)
				ids[e.to] = id
				t.states = append(t.states, state{})
				order = append(order, e.to)
			}
			t.states[from].add(edge{e.Range, id})
		}
	}
	return t
}

// Draw draws the DFA. The function put draws one character of a class; the
// classes it is given from one node are disjoint. Draw returns where accepted
// texts end.
func (d *DFA) Draw(b *automaton.Builder, from automaton.Node, put func(from automaton.Node, class []Range, to automaton.Node)) automaton.Node {
	if from == automaton.None || d.Empty() {
		return automaton.None
	}
	nodes := make([]automaton.Node, len(d.states))
	for i := range nodes {
		nodes[i] = b.Node()
	}
	b.Empty(from, nodes[0])
	end := b.Node()
	for i, s := range d.states {
		var targets []int
		classes := map[int][]Range{}
		for _, e := range s.edges {
			if classes[e.to] == nil {
				targets = append(targets, e.to)
			}
			classes[e.to] = append(classes[e.to], e.Range)
		}
		for _, to := range targets {
			put(nodes[i], classes[to], nodes[to])
		}
		if s.accepting {
			b.Empty(nodes[i], end)
		}
	}
	return end
}
