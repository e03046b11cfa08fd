package jinja

// postfix parses .name, [key], [a:b] and (...) behind an expression.
func (p *parser) postfix(e expr) expr {
	for {
		switch t := p.peek(); {
		case t.is("."):
			p.next()
			if part := p.next(); part.kind == tokenName {
				e = attribute{t.line, e, part.text}
			} else if part.kind == tokenInteger {
				e = subscript{t.line, e, literal{integer(part)}}
			} else {
				fail(part.line, "expected a name, found %s", part.describe())
			}
		case t.is("["):
			p.next()
			e = p.subscript(t.line, e)
		case t.is("("):
			e = call{t.line, e, p.arguments()}
		default:
			return e
		}
	}
}

func (p *parser) subscript(line int, of expr) expr {
	var parts [3]expr
	n := 0
	for ; n < 3; n++ {
		if !p.peek().is(":") && !p.peek().is("]") {
			parts[n] = p.expression()
		}
		if !p.skip(":") {
			break
		}
	}
	p.expect("]")
	if n == 0 {
		if parts[0] == nil {
			fail(line, "expected an expression, found ]")
		}
		return subscript{line, of, parts[0]}
	}
	return slice{line, of, parts[0], parts[1], parts[2]}
}

// filters parses |filter and is test behind an expression.
func (p *parser) filters(e expr) expr {
	for {
		switch t := p.peek(); {
		case t.is("|"):
			f := p.filter()
			f.of = e
			e = f
		case t.is("is"):
			e = p.test(e)
		case t.is("("):
			e = call{t.line, e, p.arguments()}
		default:
			return e
		}
	}
}

// filter parses |name(arguments).
func (p *parser) filter() filterExpr {
	p.expect("|")
	return p.namedFilter()
}

func (p *parser) namedFilter() filterExpr {
	t := p.expectKind(tokenName, "the name of a filter")
	f := filterExpr{line: t.line, name: t.text}
	if _, ok := filters[f.name]; !ok {
		fail(t.line, "the filter %s is not supported", f.name)
	}
	if p.peek().is("(") {
		f.args = p.arguments()
	}
	return f
}

func (p *parser) test(e expr) expr {
	p.expect("is")
	negated := p.skip("not")
	t := p.expectKind(tokenName, "the name of a test")
	test := testExpr{line: t.line, name: t.text, of: e}
	if _, ok := tests[test.name]; !ok {
		fail(t.line, "the test %s is not supported", test.name)
	}
	switch next := p.peek(); {
	case next.is("("):
		test.args = p.arguments()
	case next.is("else") || next.is("or") || next.is("and"):
	case next.is("is"):
		fail(next.line, "tests cannot follow one another")
	case next.kind == tokenName || next.kind == tokenString || next.kind == tokenInteger || next.kind == tokenFloat || next.is("[") || next.is("{"):
		test.args.positional = []expr{p.postfix(p.primary())}
	}
	if negated {
		return not{test}
	}
	return test
}

// arguments parses (a, b, name=c).
func (p *parser) arguments() arguments {
	defer p.nest()()
	var a arguments
	p.expect("(")
	for first := true; !p.skip(")"); first = false {
		if !first {
			if p.expect(","); p.skip(")") {
				break
			}
		}
		t := p.peek()
		switch {
		case a.rest == nil && p.skip("*"):
			a.rest = p.expression()
		case t.is("*") || t.is("**"):
			fail(t.line, "unpacking a mapping into arguments is not supported")
		case t.kind == tokenName && p.look().is("="):
			p.at += 2
			a.names = append(a.names, t.text)
			a.named = append(a.named, p.expression())
		case len(a.named) > 0 || a.rest != nil:
			fail(t.line, "a positional argument follows a named one")
		default:
			a.positional = append(a.positional, p.expression())
		}
	}
	return a
}
