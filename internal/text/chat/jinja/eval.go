package jinja

import "strings"

func (n literal) eval(*state) any { return n.value }

func (n name) eval(s *state) any {
	if v, ok := s.scope.get(n.name); ok {
		return v
	}
	if f, ok := globals[n.name]; ok {
		return f
	}
	return undefined{n.name}
}

func evalAll(s *state, items []expr) []any {
	out := make([]any, len(items))
	for i, e := range items {
		out[i] = e.eval(s)
	}
	return out
}

func (n tupleExpr) eval(s *state) any { return Tuple(evalAll(s, n.items)) }

func (n listExpr) eval(s *state) any { return List(evalAll(s, n.items)) }

func (n dictExpr) eval(s *state) any {
	d := &Dict{}
	for i, k := range n.keys {
		key, ok := k.eval(s).(Text)
		if !ok {
			fail(n.line, "a key that is no text is not supported")
		}
		d.Set(key, n.values[i].eval(s))
	}
	return d
}

func (n attribute) eval(s *state) any {
	s.spend(n.line, nodeSteps)
	return attributeOf(n.line, n.of.eval(s), n.name)
}

// attributeOf is v.name: a method, or else the item of that name.
func attributeOf(line int, v any, name string) any {
	switch v := v.(type) {
	case undefined:
		fail(line, "%s is undefined, so it has no %s", v.what, name)
	case *loop:
		return v.attribute(name)
	case *namespace:
		if value, ok := v.attributes[name]; ok {
			return value
		}
	case Text:
		if m, ok := textMethods[name]; ok {
			return function(func(s *state, c values) any {
				s.spend(c.line, len(v))
				return m(v, s, c)
			})
		}
	case *Dict:
		if m, ok := dictMethods[name]; ok {
			return function(func(_ *state, c values) any { return m(v, c) })
		}
		if value, ok := v.values[name]; ok {
			return value
		}
	}
	return undefined{"the attribute " + name}
}

func (l *loop) attribute(name string) any {
	n, i := int64(len(l.items)), int64(l.at)
	neighbor := func(at int64) any {
		if at < 0 || at >= n {
			return undefined{"loop." + name}
		}
		return l.items[at]
	}
	switch name {
	case "index":
		return i + 1
	case "index0":
		return i
	case "revindex":
		return n - i
	case "revindex0":
		return n - i - 1
	case "first":
		return i == 0
	case "last":
		return i == n-1
	case "length":
		return n
	case "depth":
		return l.depth
	case "depth0":
		return l.depth - 1
	case "previtem":
		return neighbor(i - 1)
	case "nextitem":
		return neighbor(i + 1)
	case "cycle":
		return function(func(_ *state, c values) any {
			if len(c.positional) == 0 {
				fail(c.line, "loop.cycle needs values")
			}
			return c.positional[l.at%len(c.positional)]
		})
	case "changed":
		return function(func(_ *state, c values) any {
			changed := l.changed == nil || !equalAll(l.changed, c.positional)
			l.changed = append([]any{}, c.positional...)
			return changed
		})
	}
	return undefined{"loop." + name}
}

func (n subscript) eval(s *state) any {
	s.spend(n.line, nodeSteps)
	return itemOf(n.line, n.of.eval(s), n.key.eval(s))
}

// itemOf is v[key]: an item, or else the attribute of that name.
func itemOf(line int, v, key any) any {
	missing := undefined{"the item " + string(repr(key).String())}
	if u, ok := v.(undefined); ok {
		fail(line, "%s is undefined, so it has no %s", u.what, missing.what)
	}
	if text, ok := key.(Text); ok {
		if d, ok := v.(*Dict); ok {
			if value, ok := d.values[text.String()]; ok {
				return value
			}
		}
		return attributeOf(line, v, text.String())
	}
	i, _, isInt, _ := number(key)
	if !isInt {
		return missing
	}
	at := func(n int) (int, bool) {
		if i < 0 {
			i += int64(n)
		}
		return int(i), i >= 0 && i < int64(n)
	}
	if t, ok := v.(Text); ok {
		if i, ok := at(len(t)); ok {
			return t[i : i+1]
		}
		return missing
	}
	if items, ok := sequence(v); ok {
		if i, ok := at(len(items)); ok {
			return items[i]
		}
	}
	return missing
}

func (n conditional) eval(s *state) any {
	switch {
	case truth(n.test.eval(s)):
		return n.then.eval(s)
	case n.otherwise == nil:
		return undefined{"an if without else"}
	}
	return n.otherwise.eval(s)
}

func (n not) eval(s *state) any { return !truth(n.of.eval(s)) }

func (n logical) eval(s *state) any {
	if left := n.left.eval(s); truth(left) == n.or {
		return left
	}
	return n.right.eval(s)
}

func (n compare) eval(s *state) any {
	left := n.first.eval(s)
	for i, op := range n.ops {
		right := n.operands[i].eval(s)
		s.spend(n.line, nodeSteps+size(left)+size(right))
		if !holds(n.line, op, left, right) {
			return false
		}
		left = right
	}
	return true
}

func holds(line int, op string, a, b any) bool {
	switch op {
	case "==":
		return equal(a, b)
	case "!=":
		return !equal(a, b)
	case "in":
		return contains(line, b, a)
	case "not in":
		return !contains(line, b, a)
	}
	cmp, ok := order(a, b)
	if !ok {
		fail(line, "%s cannot be compared with %s", kindOf(a), kindOf(b))
	}
	switch op {
	case "<":
		return cmp < 0
	case "<=":
		return cmp <= 0
	case ">":
		return cmp > 0
	}
	return cmp >= 0
}

func contains(line int, container, item any) bool {
	switch c := container.(type) {
	case Text:
		text, ok := item.(Text)
		if !ok {
			fail(line, "%s cannot be in a str", kindOf(item))
		}
		return c.index(text, 0) >= 0
	case *Dict:
		text, ok := item.(Text)
		if !ok {
			return false
		}
		_, ok = c.values[text.String()]
		return ok
	}
	for _, v := range iterate(line, container) {
		if equal(v, item) {
			return true
		}
	}
	return false
}

func (n concatExpr) eval(s *state) any {
	parts := make([]Text, len(n.parts))
	for i, e := range n.parts {
		parts[i] = written(n.line, e.eval(s))
		s.spend(n.line, len(parts[i])+nodeSteps)
	}
	return concat(parts...)
}

// values are evaluated arguments.
type values struct {
	line       int
	positional []any
	named      map[string]any
}

func (a arguments) eval(s *state, line int) values {
	v := values{line: line, positional: evalAll(s, a.positional)}
	if a.rest != nil {
		v.positional = append(v.positional, iterate(line, a.rest.eval(s))...)
	}
	if len(a.names) > 0 {
		v.named = map[string]any{}
	}
	for i, name := range a.names {
		v.named[name] = a.named[i].eval(s)
	}
	return v
}

func (n call) eval(s *state) any {
	s.spend(n.line, nodeSteps)
	of := n.of.eval(s)
	args := n.args.eval(s, n.line)
	switch f := of.(type) {
	case function:
		out := f(s, args)
		s.spend(n.line, size(out))
		return out
	case *macro:
		return f.call(s, n.line, args)
	case undefined:
		fail(n.line, "%s is undefined, so it cannot be called", f.what)
	}
	fail(n.line, "%s cannot be called", kindOf(of))
	return nil
}

func (n filterExpr) eval(s *state) any { return n.apply(s, n.of.eval(s)) }

func (n filterExpr) apply(s *state, v any) any {
	s.spend(n.line, nodeSteps+size(v))
	args := n.args.eval(s, n.line)
	out := filters[n.name](s, v, args)
	s.spend(n.line, size(out))
	return out
}

func (n testExpr) eval(s *state) any {
	s.spend(n.line, nodeSteps)
	args := n.args.eval(s, n.line)
	v := n.of.eval(s)
	s.spend(n.line, size(v))
	return tests[n.name](v, args)
}

// bind gives the arguments of a builtin in the order of its parameters, nil
// pointers for those left out. A parameter that ends in ! is required.
func (c values) bind(what string, params ...string) []*any {
	out := make([]*any, len(params))
	if len(c.positional) > len(params) {
		fail(c.line, "%s takes not more than %d arguments", what, len(params))
	}
	for i := range c.positional {
		out[i] = &c.positional[i]
	}
	left := len(c.named)
	for i, param := range params {
		param, required := strings.CutSuffix(param, "!")
		if v, ok := c.named[param]; ok && out[i] == nil {
			out[i] = &v
			left--
		}
		if out[i] == nil && required {
			fail(c.line, "%s needs the argument %s", what, param)
		}
	}
	if left > 0 {
		fail(c.line, "%s has no argument of a name given here", what)
	}
	return out
}
