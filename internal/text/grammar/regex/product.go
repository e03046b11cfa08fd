package regex

import "github.com/hachi-serve/hachi/internal/text/grammar/automaton"

// Intersect accepts what both accept.
func (d *DFA) Intersect(o *DFA, budget *automaton.Budget) (*DFA, error) {
	p := product{a: d, b: o, budget: budget, accepts: func(a, b bool) bool { return a && b }}
	return p.build()
}

// Minus accepts what d accepts and o does not.
func (d *DFA) Minus(o *DFA, budget *automaton.Budget) (*DFA, error) {
	p := product{a: d, b: o, budget: budget, beyond: true, accepts: func(a, b bool) bool { return a && !b }}
	return p.build()
}

// Union accepts what either accepts: what is not outside
// of both (De Morgan).
func (d *DFA) Union(o *DFA, budget *automaton.Budget) (*DFA, error) {
	all := Class(Scalars())
	outside, err := all.Minus(d, budget)
	if err == nil {
		outside, err = outside.Minus(o, budget)
	}
	if err != nil {
		return nil, err
	}
	return all.Minus(outside, budget)
}

// product runs two automata at once.
type product struct {
	a, b    *DFA
	budget  *automaton.Budget
	accepts func(a, b bool) bool
	beyond  bool // continues where b has ended

	out   DFA
	ids   map[[2]int]int
	order [][2]int // pairs of states; -1 is where b has ended
}

func (p *product) build() (*DFA, error) {
	p.ids = map[[2]int]int{}
	p.state(0, 0)
	for i := 0; i < len(p.order); i++ {
		if err := p.budget.Err(len(p.order)); err != nil {
			return nil, err
		}
		p.edges(i)
	}
	return p.out.trim(), nil
}

func (p *product) state(a, b int) int {
	id, ok := p.ids[[2]int{a, b}]
	if !ok {
		id = len(p.order)
		p.ids[[2]int{a, b}] = id
		p.order = append(p.order, [2]int{a, b})
		p.out.states = append(p.out.states, state{accepting: p.accepts(p.a.states[a].accepting, b >= 0 && p.b.states[b].accepting)})
	}
	return id
}

// edges walks the edges of a pair's two states side by side.
func (p *product) edges(i int) {
	var others []edge
	if b := p.order[i][1]; b >= 0 {
		others = p.b.states[b].edges
	}
	for _, e := range p.a.states[p.order[i][0]].edges {
		for at := e.Lo; at <= e.Hi; {
			for len(others) > 0 && others[0].Hi < at {
				others = others[1:]
			}
			p.budget.Spend(1)
			last, other := e.Hi, -1
			if len(others) > 0 && others[0].Lo <= at {
				last, other = min(last, others[0].Hi), others[0].to
			} else if len(others) > 0 {
				last = min(last, others[0].Lo-1)
			}
			if other >= 0 || p.beyond {
				to := p.state(e.to, other)
				p.out.states[i].add(edge{Range{Lo: at, Hi: last}, to})
			}
			at = last + 1
		}
	}
}
