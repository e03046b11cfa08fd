package jinja

func (b block) exec(s *state) flow {
	for _, node := range b {
		if f := node.exec(s); f != onward {
			return f
		}
	}
	return onward
}

func (o output) exec(s *state) flow {
	text := written(o.line, o.of.eval(s))
	s.spend(o.line, len(text)+nodeSteps)
	s.out = append(s.out, text...)
	return onward
}

// written is the text of a value that has one.
func written(line int, v any) Text {
	switch v.(type) {
	case function, *macro, *namespace, *loop:
		fail(line, "a function has no text")
	}
	return str(v)
}

func (i ifStmt) exec(s *state) flow {
	if truth(i.test.eval(s)) {
		return i.then.exec(s)
	}
	return i.otherwise.exec(s)
}

// loop is the variable of that name.
type loop struct {
	items   []any
	at      int
	depth   int64
	changed []any // last arguments of loop.changed
}

func (f forStmt) exec(s *state) flow {
	items := iterate(f.line, f.over.eval(s))
	outer := s.scope
	if f.filter != nil {
		items = f.kept(s, items)
	}
	s.spend(f.line, (len(items)+1)*nodeSteps)
	if len(items) == 0 {
		defer s.enter(outer)()
		return f.otherwise.exec(s)
	}
	l := &loop{items: items, depth: 1}
	for i, item := range items {
		l.at = i
		leave := s.enter(outer)
		s.scope.set("loop", l)
		f.target.assign(s, item)
		got := f.body.exec(s)
		leave()
		if got == breakLoop {
			break
		}
	}
	return onward
}

// kept is the items for which the condition of the loop holds.
func (f forStmt) kept(s *state, items []any) []any {
	var kept []any
	for _, item := range items {
		leave := s.enter(s.scope)
		f.target.assign(s, item)
		if truth(f.filter.eval(s)) {
			kept = append(kept, item)
		}
		leave()
	}
	return kept
}

// iterate lists what a loop goes over.
func iterate(line int, v any) []any {
	switch v := v.(type) {
	case undefined:
		return nil
	case List:
		return v
	case Tuple:
		return v
	case Text:
		items := make([]any, len(v))
		for i := range v {
			items[i] = v[i : i+1]
		}
		return items
	case *Dict:
		items := make([]any, len(v.keys))
		for i, k := range v.keys {
			items[i] = k
		}
		return items
	}
	fail(line, "%s cannot be iterated over", kindOf(v))
	return nil
}

// assign gives the names of a target their values.
func (t target) assign(s *state, v any) {
	switch {
	case t.parts != nil:
		items := iterate(t.line, v)
		if len(items) != len(t.parts) {
			fail(t.line, "%d values for %d names", len(items), len(t.parts))
		}
		for i, part := range t.parts {
			part.assign(s, items[i])
		}
	case t.attribute != "":
		of, _ := s.scope.get(t.name)
		n, ok := of.(*namespace)
		if !ok {
			fail(t.line, "%s is no namespace: only a namespace has attributes to set", t.name)
		}
		n.attributes[t.attribute] = v
	default:
		s.scope.set(t.name, v)
	}
}

func (n setStmt) exec(s *state) flow {
	n.target.assign(s, n.value.eval(s))
	return onward
}

func (n setBlock) exec(s *state) flow {
	text := s.body(n.body)
	n.target.assign(s, s.filtered(n.filters, text))
	return onward
}

func (n filterStmt) exec(s *state) flow {
	text := written(n.line, s.filtered(n.filters, s.body(n.body)))
	s.spend(n.line, len(text)+nodeSteps)
	s.out = append(s.out, text...)
	return onward
}

// body returns what a block writes, in a scope of its own.
func (s *state) body(b block) Text {
	defer s.enter(s.scope)()
	return s.capture(func() { b.exec(s) })
}

func (s *state) filtered(chain []filterExpr, v any) any {
	for _, f := range chain {
		v = f.apply(s, v)
	}
	return v
}

func (n withStmt) exec(s *state) flow {
	values := make([]any, len(n.values))
	for i, e := range n.values {
		values[i] = e.eval(s)
	}
	defer s.enter(s.scope)()
	for i, t := range n.targets {
		t.assign(s, values[i])
	}
	return n.body.exec(s)
}

func (n loopControl) exec(*state) flow { return n.flow }

func (n macroStmt) exec(s *state) flow {
	s.scope.set(n.name, &macro{name: n.name, body: n.macroBody, scope: s.scope})
	return onward
}

func (n callStmt) exec(s *state) flow {
	of, ok := n.call.of.eval(s).(*macro)
	if !ok {
		fail(n.line, "call needs a macro")
	}
	with := *of
	with.caller = &macro{name: "caller", body: n.inner, scope: s.scope}
	text := with.call(s, n.line, n.call.args.eval(s, n.line))
	s.spend(n.line, len(text)+nodeSteps)
	s.out = append(s.out, text...)
	return onward
}

// call runs a macro and gives what it writes.
func (m *macro) call(s *state, line int, c values) Text {
	if s.depth++; s.depth > maxDepth {
		fail(line, "macros call each other deeper than %d", maxDepth)
	}
	defer func() { s.depth-- }()
	if len(c.positional) > len(m.body.params) {
		fail(line, "the macro %s takes not more than %d arguments", m.name, len(m.body.params))
	}
	defer s.enter(m.scope)()
	if m.caller != nil {
		s.scope.set("caller", m.caller)
	}
	left := len(c.named)
	for i, param := range m.body.params {
		v, named := c.named[param]
		required := len(m.body.params) - len(m.body.defaults)
		switch {
		case i < len(c.positional):
			v = c.positional[i]
		case named:
			left--
		case i >= required:
			v = m.body.defaults[i-required].eval(s)
		default:
			v = undefined{"the parameter " + param}
		}
		s.scope.set(param, v)
	}
	if left > 0 {
		fail(line, "the macro %s has other parameters than those named", m.name)
	}
	return s.capture(func() { m.body.body.exec(s) })
}
