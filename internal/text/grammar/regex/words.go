package regex

import (
	"cmp"
	"slices"
)

// Words accepts exactly a list of texts.
func Words(words []string) *DFA {
	words = slices.Clone(words)
	slices.Sort(words)
	d := &DFA{states: []state{{}}}
	for _, w := range words {
		at := 0
		for _, r := range w {
			next := d.states[at].next(r)
			if next < 0 {
				next = len(d.states)
				d.states = append(d.states, state{})
				d.states[at].add(edge{Range{Lo: r, Hi: r}, next})
			}
			at = next
		}
		d.states[at].accepting = true
	}
	return d.trim()
}

// List returns all texts that are accepted, in ascending order; false when
// there are more than max, or when they have more than max states.
func (d *DFA) List(max int) ([]string, bool) {
	if len(d.states) > max*max {
		return nil, false
	}
	var words []string
	var list func(at, depth int, text string) bool
	list = func(at, depth int, text string) bool {
		if depth >= len(d.states) {
			return false // a cycle: from every state a text is accepted
		}
		if d.states[at].accepting {
			words = append(words, text)
		}
		for _, e := range d.states[at].edges {
			if int(e.Hi-e.Lo) >= max {
				return false
			}
			for r := e.Lo; r <= e.Hi; r++ {
				if !list(e.to, depth+1, text+string(r)) || len(words) > max {
					return false
				}
			}
		}
		return true
	}
	if !list(0, 0, "") {
		return nil, false
	}
	return words, true
}

// Longest returns the length of the longest text that is accepted, characters; false
// when there is none.
func (d *DFA) Longest() (int, bool) {
	const unknown, open = -1, -2
	longest := make([]int, len(d.states)) // from each state
	for i := range longest {
		longest[i] = unknown
	}
	var visit func(at int) bool
	visit = func(at int) bool {
		if longest[at] != unknown {
			return longest[at] != open // else a cycle: from every state a text is accepted
		}
		longest[at] = open
		n := 0
		for _, e := range d.states[at].edges {
			if !visit(e.to) {
				return false
			}
			n = max(n, 1+longest[e.to])
		}
		longest[at] = n
		return true
	}
	finite := visit(0)
	return longest[0], finite
}

// Residue accepts the texts over some disjoint classes of characters whose
// classes have indices with a sum of want modulo the number of classes.
func Residue(classes [][]Range, want int) *DFA {
	d := &DFA{}
	for sum := range classes {
		s := state{accepting: sum == want}
		for i, class := range classes {
			for _, r := range class {
				s.edges = append(s.edges, edge{r, (sum + i) % len(classes)})
			}
		}
		slices.SortFunc(s.edges, func(a, b edge) int { return cmp.Compare(a.Lo, b.Lo) })
		d.states = append(d.states, s)
	}
	return d
}
