package automaton

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Build makes the drawing deterministic. A text is recognized when root
// recognizes it. The Program has at most the budget's states.
func (b *Builder) Build(root Rule, budget *Budget) (*Program, error) {
	if b.Full() {
		return nil, fmt.Errorf("the drawing is %w", ErrTooLarge)
	}
	d := &determinizer{b: b, p: &Program{root: int32(root)}, budget: budget, mark: make([]int32, len(b.nodes))}
	for _, r := range b.rules {
		start, err := d.rule(r)
		if err != nil {
			return nil, err
		}
		d.p.rules = append(d.p.rules, rule{name: r.name, start: start, role: r.role, item: int32(r.item), least: r.least})
	}
	if err := d.p.checkCalls(); err != nil {
		return nil, err
	}
	d.p.weigh()
	p := d.p.trim(d.p.heights())
	if p == nil {
		return nil, ErrEmpty
	}
	p.classify()
	return p, p.countItems()
}

// determinizer turns drawings into states: each is a set of nodes.
type determinizer struct {
	b      *Builder
	p      *Program
	budget *Budget
	mark   []int32 // by node: the last search that has seen it
	stamp  int32   // of this search

	end   Node
	ids   map[string]int32
	queue [][]Node // the nodes of the states of this rule
	first int32    // the state of queue[0]
}

// rule adds the states of one rule and returns the first.
func (d *determinizer) rule(r drawing) (int32, error) {
	d.end, d.ids, d.queue, d.first = r.end, map[string]int32{}, nil, int32(len(d.p.states))
	start := d.state([]Node{r.start})
	for i := 0; i < len(d.queue); i++ {
		nodes := d.queue[i]
		s := state{final: slices.Contains(nodes, r.end)}
		s.moves.from, s.calls.from = int32(len(d.p.moves)), int32(len(d.p.calls))
		d.moves(nodes)
		d.calls(nodes)
		s.moves.to, s.calls.to = int32(len(d.p.moves)), int32(len(d.p.calls))
		d.p.states = append(d.p.states, s)
		if err := d.budget.Err(int(d.first) + len(d.queue)); err != nil {
			return 0, fmt.Errorf("the automaton is %w", err)
		}
	}
	return start, nil
}

// state returns the state that these nodes and all they are joined to make.
func (d *determinizer) state(nodes []Node) int32 {
	d.stamp++
	var kept []Node
	for stack := nodes; len(stack) > 0; {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if d.mark[n] == d.stamp {
			continue
		}
		d.mark[n] = d.stamp
		d.budget.Spend(1)
		at := &d.b.nodes[n]
		if len(at.bytes) > 0 || len(at.calls) > 0 || n == d.end {
			kept = append(kept, n)
		}
		stack = append(stack, at.empty...)
	}
	slices.Sort(kept)
	key := make([]byte, 0, 4*len(kept))
	for _, n := range kept {
		key = binary.LittleEndian.AppendUint32(key, uint32(n))
	}
	id, ok := d.ids[string(key)]
	if !ok {
		id = d.first + int32(len(d.queue))
		d.ids[string(key)] = id
		d.queue = append(d.queue, kept)
	}
	return id
}

// moves adds the byte transitions of a state, in ascending ranges.
func (d *determinizer) moves(nodes []Node) {
	var edges []byteEdge
	var cuts []int // where the set of edges that fit changes
	for _, n := range nodes {
		for _, e := range d.b.nodes[n].bytes {
			edges = append(edges, e)
			cuts = append(cuts, int(e.lo), int(e.hi)+1)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	begin := len(d.p.moves)
	for i := 0; i+1 < len(cuts) && !d.budget.Spent(); i++ {
		var targets []Node
		for _, e := range edges {
			if int(e.lo) <= cuts[i] && cuts[i] <= int(e.hi) {
				targets = append(targets, e.to)
			}
		}
		d.budget.Spend(len(edges))
		if targets == nil {
			continue
		}
		m := move{byte(cuts[i]), byte(cuts[i+1] - 1), d.state(targets)}
		if n := len(d.p.moves); n > begin && d.p.moves[n-1].to == m.to && int(d.p.moves[n-1].hi)+1 == int(m.lo) {
			d.p.moves[n-1].hi = m.hi
			continue
		}
		d.p.moves = append(d.p.moves, m)
	}
}

// calls adds the calls of a state, one for each rule, in ascending rules.
func (d *determinizer) calls(nodes []Node) {
	targets := map[Rule][]Node{}
	var rules []Rule
	for _, n := range nodes {
		for _, c := range d.b.nodes[n].calls {
			if targets[c.rule] == nil {
				rules = append(rules, c.rule)
			}
			targets[c.rule] = append(targets[c.rule], c.to)
		}
	}
	slices.Sort(rules)
	for _, r := range rules {
		d.p.calls = append(d.p.calls, call{int32(r), d.state(targets[r])})
	}
}
