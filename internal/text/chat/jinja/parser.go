package jinja

import (
	"math"
	"slices"
	"strconv"
)

// maxDepth bounds how deep expressions and blocks nest, and how deep macros
// call.
const maxDepth = 100

type parser struct {
	tokens []token
	at     int
	depth  int
	loops  int // around the statement being parsed, inside this macro
	names  names
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) look() token { return p.tokens[min(p.at+1, len(p.tokens)-1)] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// skip takes the next token if it is this operator or name.
func (p *parser) skip(text string) bool {
	if p.peek().is(text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(text string) token {
	t := p.next()
	if !t.is(text) {
		fail(t.line, "expected %s, found %s", text, t.describe())
	}
	return t
}

func (p *parser) expectKind(kind tokenKind, what string) token {
	t := p.next()
	if t.kind != kind {
		fail(t.line, "expected %s, found %s", what, t.describe())
	}
	return t
}

// nest guards a recursion; call what it returns at the end.
func (p *parser) nest() func() {
	if p.depth++; p.depth > maxDepth {
		fail(p.peek().line, "nested deeper than %d", maxDepth)
	}
	return func() { p.depth-- }
}

// expression is parse_expression of Jinja: a conditional, or what binds more.
func (p *parser) expression() expr {
	defer p.nest()()
	e := p.or()
	for p.skip("if") {
		test := p.or()
		var otherwise expr
		if p.skip("else") {
			otherwise = p.expression()
		}
		e = conditional{test, e, otherwise}
	}
	return e
}

func (p *parser) or() expr {
	e := p.and()
	for p.skip("or") {
		e = logical{true, e, p.and()}
	}
	return e
}

func (p *parser) and() expr {
	e := p.not()
	for p.skip("and") {
		e = logical{false, e, p.not()}
	}
	return e
}

func (p *parser) not() expr {
	defer p.nest()()
	if p.skip("not") {
		return not{p.not()}
	}
	return p.comparison()
}

var comparisons = []string{"==", "!=", "<", "<=", ">", ">="}

func (p *parser) comparison() expr {
	c := compare{line: p.peek().line, first: p.sum()}
	for {
		t := p.peek()
		switch {
		case t.kind == tokenOperator && slices.Contains(comparisons, t.text):
			p.next()
			c.ops = append(c.ops, t.text)
		case p.skip("in"):
			c.ops = append(c.ops, "in")
		case t.is("not") && p.look().is("in"):
			p.at += 2
			c.ops = append(c.ops, "not in")
		case len(c.ops) == 0:
			return c.first
		default:
			return c
		}
		c.operands = append(c.operands, p.sum())
	}
}

// left parses operators of one level that bind to the left.
func (p *parser) left(operand func() expr, ops ...string) expr {
	e := operand()
	for p.peek().kind == tokenOperator && slices.Contains(ops, p.peek().text) {
		t := p.next()
		if l, ok := e.(literal); ok && t.text == "%" && kindOf(l.value) == "str" {
			fail(t.line, "formatting with %% is not supported")
		}
		e = binary{t.line, t.text, e, operand()}
	}
	return e
}

func (p *parser) sum() expr { return p.left(p.concat, "+", "-") }

func (p *parser) concat() expr {
	c := concatExpr{p.peek().line, []expr{p.product()}}
	for p.skip("~") {
		c.parts = append(c.parts, p.product())
	}
	if len(c.parts) == 1 {
		return c.parts[0]
	}
	return c
}

func (p *parser) product() expr { return p.left(p.power, "*", "/", "//", "%") }

func (p *parser) power() expr {
	return p.left(func() expr { return p.unary(true) }, "**")
}

func (p *parser) unary(withFilter bool) expr {
	defer p.nest()()
	var e expr
	if t := p.peek(); t.is("-") || t.is("+") {
		p.next()
		e = unary{t.line, t.text, p.unary(false)}
	} else {
		e = p.primary()
	}
	e = p.postfix(e)
	if withFilter {
		e = p.filters(e)
	}
	return e
}

func (p *parser) primary() expr {
	t := p.next()
	switch t.kind {
	case tokenName:
		switch t.text {
		case "true", "True":
			return literal{true}
		case "false", "False":
			return literal{false}
		case "none", "None":
			return literal{nil}
		}
		p.names.use(t.text)
		return name{t.text}
	case tokenString:
		text := t.text
		for p.peek().kind == tokenString {
			text += p.next().text
		}
		return literal{own(text)}
	case tokenInteger:
		return literal{integer(t)}
	case tokenFloat:
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil || math.IsInf(f, 0) {
			fail(t.line, "%s is no number", t.text)
		}
		return literal{f}
	}
	switch {
	case t.is("("):
		e := p.tuple(true, ")")
		p.expect(")")
		return e
	case t.is("["):
		return listExpr{p.items("]")}
	case t.is("{"):
		return p.dict(t.line)
	}
	fail(t.line, "unexpected %s", t.describe())
	return nil
}

func integer(t token) int64 {
	n, err := strconv.ParseInt(t.text, 10, 64)
	if err != nil {
		fail(t.line, "%s does not fit 64 bits", t.text)
	}
	return n
}

// tuple parses one expression, or several with commas between, up to ends.
func (p *parser) tuple(empty bool, ends ...string) expr {
	var items []expr
	isTuple := false
	for !p.tupleEnds(ends) {
		items = append(items, p.expression())
		if !p.skip(",") {
			break
		}
		isTuple = true
	}
	switch {
	case isTuple || len(items) == 0 && empty:
		return tupleExpr{items}
	case len(items) == 0:
		fail(p.peek().line, "expected an expression, found %s", p.peek().describe())
	}
	return items[0]
}

func (p *parser) tupleEnds(ends []string) bool {
	t := p.peek()
	return t.kind == tokenVariableEnd || t.kind == tokenBlockEnd || slices.ContainsFunc(ends, t.is)
}

// items parses expressions with commas between, and the end.
func (p *parser) items(end string) []expr {
	var items []expr
	for !p.skip(end) {
		if len(items) > 0 {
			if p.expect(","); p.skip(end) {
				break
			}
		}
		items = append(items, p.expression())
	}
	return items
}

func (p *parser) dict(line int) expr {
	d := dictExpr{line: line}
	for !p.skip("}") {
		if len(d.keys) > 0 {
			if p.expect(","); p.skip("}") {
				break
			}
		}
		d.keys = append(d.keys, p.expression())
		p.expect(":")
		d.values = append(d.values, p.expression())
	}
	return d
}
