package schema

import (
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
)

// given returns the values that all enum and const lists of some schemas have in
// common.
func (c *compiler) given(parts []*value) (values []*value, ok bool) {
	for _, p := range parts {
		for _, name := range []string{"enum", "const"} {
			v := p.get(name)
			if v == nil {
				continue
			}
			list := []*value{v}
			if name == "enum" {
				list = v.items
			}
			if !ok {
				values, ok = list, true
				continue
			}
			if c.compare -= len(values) * len(list); c.compare < 0 {
				c.fault(v, "the lists are %w to compare", automaton.ErrTooLarge)
				return nil, true
			}
			values = slices.DeleteFunc(slices.Clone(values), func(v *value) bool {
				return !slices.ContainsFunc(list, func(o *value) bool { return equal(v, o) })
			})
		}
	}
	if !ok {
		return nil, false
	}
	c.budget.Spend(len(values))
	kept := slices.DeleteFunc(slices.Clone(values), c.refuses(parts))
	if len(kept) == 0 && c.choosing == 0 {
		c.fault(parts[0], "none of the listed values satisfies the rest of the schema")
	}
	return kept, true
}

// refuses returns a test of values against some schemas without their lists.
func (c *compiler) refuses(parts []*value) func(*value) bool {
	set, more := allTypes, false
	var within interval
	unit := c.unit(parts, true)
	for _, p := range parts {
		if t := p.get("type"); t != nil {
			set &= typesOf(p)
		}
		within.within(p)
		more = more || slices.ContainsFunc(p.members, func(m member) bool { return speaksOf[m.name]&^numbers != 0 })
	}
	var others *automaton.Machine
	if more {
		others = c.scratch(set, parts)
	}
	return func(v *value) bool {
		t := typeOf(v)
		if set&t == 0 {
			return true
		}
		if d, err := parseDecimal(v); v.kind == number {
			return err != nil || !within.has(d) || !unit.divides(d)
		}
		return t&(objects|arrays|texts) != 0 && more && (others == nil || !accepts(others, written(v)))
	}
}

// scratch returns the automaton of some schemas without their lists; nil is one
// that accepts nothing.
func (c *compiler) scratch(set types, parts []*value) *automaton.Machine {
	c.steps /= 2
	s := newCompiler(c.doc, c.limits, newDrawer(c.limits, c.budget), c.steps)
	s.depth, s.compare, s.languages = c.depth, c.compare, c.languages
	p, err := s.program(func(start Node) Node { return s.ofTypes(start, set&^(numbers|booleans|nulls), parts) })
	c.faults = append(c.faults, s.faults...)
	if err != nil {
		return nil
	}
	m, err := automaton.NewMachine(p, automaton.Limits{Nesting: c.limits.Depth, Readings: 64, Sets: 1024}, 0)
	if err != nil {
		return nil
	}
	return m
}

func accepts(m *automaton.Machine, text string) bool {
	t, ok := m.Read(m.Begin(), []byte(text))
	return ok && t.Accepting()
}

// listed draws some values.
func (c *compiler) listed(from Node, values []*value) Node {
	to := c.Node()
	for _, v := range values {
		if c.layout == bare && (v.kind == object || v.kind == array || v.kind == number && strings.ContainsAny(v.text, ".eE")) {
			c.fault(v, "uniqueItems: lists, objects and fractions are supported as listed items only where all items are listed")
			return none
		}
		c.Empty(c.literal(from, v), to)
	}
	return to
}

// literal draws one value as it is listed.
func (c *compiler) literal(from Node, v *value) Node {
	if v.kind != object && v.kind != array {
		return c.Literal(from, written(v))
	}
	open, end, n := "{", "}", len(v.members)
	if v.kind == array {
		open, end, n = "[", "]", len(v.items)
	}
	defer c.deeper()()
	at := c.gap(c.Literal(from, open))
	for i := range n {
		if i > 0 {
			at = c.gap(c.Literal(at, ","))
		}
		if v.kind == array {
			at = c.literal(at, v.items[i])
		} else {
			at = c.literal(c.colon(c.quoted(at, v.members[i].name)), v.members[i].value)
		}
	}
	if n > 0 {
		at = c.lastGap(at)
	}
	return c.Literal(at, end)
}

// written is the JSON of a listed value, without blanks.
func written(v *value) string {
	switch v.kind {
	case null:
		return "null"
	case boolean, number:
		return v.text
	case text:
		return quote(v.text)
	case array:
		items := make([]string, len(v.items))
		for i, item := range v.items {
			items[i] = written(item)
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	members := make([]string, len(v.members))
	for i, m := range v.members {
		members[i] = quote(m.name) + ":" + written(m.value)
	}
	return "{" + strings.Join(members, ",") + "}"
}

// equal reports that two values are the same: numbers by what they are, objects
// in any order. Numbers too long to compare are taken as the same.
func equal(a, b *value) bool {
	if a.kind != b.kind || len(a.items) != len(b.items) || len(a.members) != len(b.members) {
		return false
	}
	if a.kind == number {
		x, errX := parseDecimal(a)
		y, errY := parseDecimal(b)
		return errX != nil || errY != nil || x == y
	}
	if a.kind == text || a.kind == boolean {
		return a.text == b.text
	}
	for i := range a.items {
		if !equal(a.items[i], b.items[i]) {
			return false
		}
	}
	for _, m := range a.members {
		if other := b.get(m.name); other == nil || !equal(m.value, other) {
			return false
		}
	}
	return true
}
