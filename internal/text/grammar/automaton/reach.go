package automaton

// Reached returns, by node, whether some text leads to it from the start of its rule.
func (b *Builder) Reached() []bool {
	r := &spread{b: b, reached: make([]bool, len(b.nodes)), waiting: make([][]Node, len(b.rules)), ends: map[Node][]Rule{}}
	for i, rule := range b.rules {
		r.ends[rule.end] = append(r.ends[rule.end], Rule(i))
		r.queue = append(r.queue, rule.start)
	}
	for len(r.queue) > 0 {
		n := r.queue[len(r.queue)-1]
		r.queue = r.queue[:len(r.queue)-1]
		if !r.reached[n] {
			r.reached[n] = true
			r.leave(n)
		}
	}
	return r.reached
}

// spread finds the nodes that are reached, from all rules at once.
type spread struct {
	b       *Builder
	reached []bool
	queue   []Node
	waiting [][]Node        // by rule: where calls of it lead, while its end is not reached
	ends    map[Node][]Rule // the rules that end at a node
}

// leave follows what leads from a node that was reached.
func (r *spread) leave(n Node) {
	for _, rule := range r.ends[n] {
		r.queue = append(r.queue, r.waiting[rule]...)
		r.waiting[rule] = nil
	}
	at := &r.b.nodes[n]
	r.queue = append(r.queue, at.empty...)
	for _, e := range at.bytes {
		r.queue = append(r.queue, e.to)
	}
	for _, c := range at.calls {
		if r.reached[r.b.rules[c.rule].end] {
			r.queue = append(r.queue, c.to)
		} else {
			r.waiting[c.rule] = append(r.waiting[c.rule], c.to)
		}
	}
}
