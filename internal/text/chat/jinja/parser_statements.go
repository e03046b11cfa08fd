package jinja

import "slices"

// statements parses up to one of the tags that may end them, which is left to
// be read, or with no ends to the end of the template.
func (p *parser) statements(ends ...string) block {
	defer p.nest()()
	var out block
	for {
		t := p.next()
		switch t.kind {
		case tokenEnd:
			if len(ends) > 0 {
				fail(t.line, "the template ends before %s", ends[len(ends)-1])
			}
			return out
		case tokenData:
			out = append(out, output{t.line, literal{own(t.text)}})
		case tokenVariableBegin:
			out = append(out, output{t.line, p.tuple(false)})
			p.expectKind(tokenVariableEnd, "the end of the tag")
		case tokenBlockBegin:
			if slices.ContainsFunc(ends, p.peek().is) {
				return out
			}
			out = append(out, p.statement())
			p.expectKind(tokenBlockEnd, "the end of the tag")
		}
	}
}

// body parses the rest of an opening tag, statements, and the name of the tag
// that ended them.
func (p *parser) body(ends ...string) (block, string) {
	p.expectKind(tokenBlockEnd, "the end of the tag")
	b := p.statements(ends...)
	return b, p.next().text
}

// inner parses a body whose names end with it.
func (p *parser) inner(end string) block {
	defer p.names.scope()()
	b, _ := p.body(end)
	return b
}

func (p *parser) statement() stmt {
	t := p.expectKind(tokenName, "the name of a tag")
	switch t.text {
	case "if":
		return p.ifTag()
	case "for":
		return p.forTag(t.line)
	case "set":
		return p.setTag(t.line)
	case "with":
		return p.withTag(t.line)
	case "macro":
		name := p.expectKind(tokenName, "the name of a macro").text
		p.names.bind(name)
		return macroStmt{name, p.macroBody(t.line, "endmacro")}
	case "call":
		return p.callTag(t.line)
	case "filter":
		filters := append([]filterExpr{p.namedFilter()}, p.filterChain()...)
		b := p.inner("endfilter")
		return filterStmt{t.line, filters, b}
	case "generation": // marks what the assistant wrote, for training
		return withStmt{line: t.line, body: p.inner("endgeneration")}
	case "break", "continue":
		if p.loops == 0 {
			fail(t.line, "%s outside of a loop", t.text)
		}
		return loopControl{map[string]flow{"break": breakLoop, "continue": continueLoop}[t.text]}
	}
	fail(t.line, "the tag %s is not supported here", t.text)
	return nil
}

func (p *parser) ifTag() stmt {
	test := p.tuple(false)
	before := p.names.scope()
	then, end := p.body("elif", "else", "endif")
	s := ifStmt{test: test, then: then}
	inThen := p.names.bound
	before()
	defer func() { p.names.keep(inThen) }()
	switch end {
	case "elif":
		defer p.nest()()
		s.otherwise = block{p.ifTag()}
	case "else":
		s.otherwise, _ = p.body("endif")
	}
	return s
}

func (p *parser) forTag(line int) stmt {
	f := forStmt{line: line, target: p.target("in")}
	defer p.names.scope()()
	p.expect("in")
	f.over = p.or()
	if p.peek().is(",") {
		items := []expr{f.over}
		for p.skip(",") && !p.tupleEnds([]string{"if", "recursive"}) {
			items = append(items, p.or())
		}
		f.over = tupleExpr{items}
	}
	outside := p.names.scope()
	p.names.bind("loop")
	p.names.bindTarget(f.target)
	if p.skip("if") {
		f.filter = p.expression()
	}
	if p.peek().is("recursive") {
		fail(line, "recursive loops are not supported")
	}
	p.loops++
	var end string
	f.body, end = p.body("else", "endfor")
	p.loops--
	outside()
	if end == "else" {
		f.otherwise, _ = p.body("endfor")
	}
	return f
}

func (p *parser) setTag(line int) stmt {
	to := p.target("=")
	defer p.names.bindTarget(to)
	if p.skip("=") {
		return setStmt{line, to, p.tuple(false)}
	}
	filters := p.filterChain()
	b, _ := p.body("endset")
	return setBlock{line, to, filters, b}
}

func (p *parser) withTag(line int) stmt {
	w := withStmt{line: line}
	defer p.names.scope()()
	for p.peek().kind != tokenBlockEnd {
		if len(w.targets) > 0 {
			p.expect(",")
		}
		w.targets = append(w.targets, p.oneTarget())
		p.expect("=")
		w.values = append(w.values, p.expression())
	}
	for _, to := range w.targets {
		p.names.bindTarget(to)
	}
	w.body, _ = p.body("endwith")
	return w
}

func (p *parser) callTag(line int) stmt {
	inner := macroBody{line: line}
	defer p.names.scope()()
	if p.peek().is("(") {
		p.signature(&inner)
	}
	e, ok := p.expression().(call)
	if !ok {
		fail(line, "call needs a call")
	}
	inner.body = p.isolated("endcall")
	return callStmt{line, e, inner}
}

func (p *parser) macroBody(line int, end string) macroBody {
	m := macroBody{line: line}
	defer p.names.scope()()
	p.signature(&m)
	m.body = p.isolated(end)
	return m
}

// isolated parses a body that no loop outside of it reaches.
func (p *parser) isolated(end string) block {
	defer p.names.scope()()
	loops := p.loops
	p.loops = 0
	b, _ := p.body(end)
	p.loops = loops
	return b
}

func (p *parser) signature(m *macroBody) {
	p.expect("(")
	for !p.skip(")") {
		if len(m.params) > 0 {
			p.expect(",")
		}
		t := p.expectKind(tokenName, "a parameter")
		m.params = append(m.params, t.text)
		p.names.bind(t.text)
		if p.skip("=") {
			m.defaults = append(m.defaults, p.expression())
		} else if len(m.defaults) > 0 {
			fail(t.line, "a parameter without a default follows one with")
		}
	}
}

func (p *parser) filterChain() []filterExpr {
	var out []filterExpr
	for p.peek().is("|") {
		out = append(out, p.filter())
	}
	return out
}

// target parses names to assign to, up to end.
func (p *parser) target(end string) target {
	first := p.oneTarget()
	if !p.peek().is(",") {
		return first
	}
	parts := []target{first}
	for p.skip(",") && !p.tupleEnds([]string{end}) {
		parts = append(parts, p.oneTarget())
	}
	return target{line: first.line, parts: parts}
}

func (p *parser) oneTarget() target {
	defer p.nest()()
	if p.skip("(") {
		t := p.target(")")
		p.expect(")")
		return t
	}
	t := p.expectKind(tokenName, "a name to assign to")
	to := target{line: t.line, name: t.text}
	if p.skip(".") {
		to.attribute = p.expectKind(tokenName, "an attribute").text
	}
	return to
}
