package schema

import (
	"slices"

	"github.com/hachi-serve/hachi/internal/text/grammar/regex"
)

// property is a member of an object that has a name.
type property struct {
	name     string
	all      []*value // what its value satisfies
	required bool
}

// object draws objects: the properties in the order of their declaration, then
// other members where a schema allows them.
func (c *compiler) object(from Node, parts []*value) Node {
	properties, open := c.properties(parts)
	// after[i]: a member was written, properties i and later may follow.
	// choose[i]: one of properties i and later, or another, must follow.
	after, choose := make([]Node, len(properties)+1), make([]Node, len(properties)+1)
	for i := range after {
		after[i], choose[i] = c.Node(), c.Node()
		c.Empty(c.gap(c.Literal(after[i], ",")), choose[i])
	}
	start := c.gap(c.Literal(from, "{"))
	c.Empty(start, choose[0])
	close := c.Node()
	to := c.Literal(c.gap(close), "}")
	for i, p := range properties {
		c.Empty(c.schema(c.colon(c.quoted(choose[i], p.name)), p.all), after[i+1])
		if !p.required {
			c.Empty(choose[i], choose[i+1])
		}
	}
	for i := len(properties); i >= 0; i-- {
		c.Empty(after[i], close)
		if i == 0 {
			c.Empty(c.Literal(start, "}"), to)
		} else if properties[i-1].required {
			break
		}
	}
	if open {
		rest := len(properties)
		c.Empty(c.others(choose[rest], properties, parts), after[rest])
	}
	return to
}

// properties lists the members that have a name, and reports whether others may
// follow: when a schema says so, or when none lists properties.
func (c *compiler) properties(parts []*value) (list []property, open bool) {
	open = !slices.ContainsFunc(parts, func(p *value) bool { return p.get("properties") != nil })
	var names []string
	known := map[string]bool{}
	add := func(name string) {
		if !known[name] {
			known[name] = true
			names = append(names, name)
		}
	}
	for _, p := range parts {
		if declared := p.get("properties"); declared != nil {
			for _, m := range declared.members {
				add(m.name)
			}
		}
		open = open || p.get("additionalProperties") != nil
	}
	required := map[string]bool{}
	for _, p := range parts {
		if r := p.get("required"); r != nil {
			for _, item := range r.items {
				add(item.text)
				required[item.text] = true
			}
		}
	}
	for _, name := range names {
		var all []*value
		for _, p := range parts {
			if v := declaration(p, name); v != nil {
				all = append(all, v)
			}
		}
		list = append(list, property{name, all, required[name]})
	}
	return list, open
}

// declaration returns what a schema says of a member's value, nil for nothing.
func declaration(part *value, name string) *value {
	if declared := part.get("properties"); declared != nil {
		if v := declared.get(name); v != nil {
			return v
		}
	}
	return part.get("additionalProperties")
}

// others draws a member that has none of the known names. Beside known names
// its own is written without escapes: escaped, it could be one of them.
func (c *compiler) others(from Node, known []property, parts []*value) Node {
	var all []*value
	for _, p := range parts {
		if v := p.get("additionalProperties"); v != nil {
			all = append(all, v)
		}
	}
	if len(known) == 0 {
		return c.schema(c.colon(c.anyText(from)), all)
	}
	names := make([]string, len(known))
	for i, p := range known {
		names[i] = p.name
	}
	free, err := regex.Class(raw()).Minus(regex.Words(names), c.limits.States)
	if err != nil {
		c.fault(parts[0], "names: %w", err)
		return none
	}
	name := c.Literal(free.Draw(c.Builder, c.Literal(from, `"`), c.spelled), `"`)
	return c.schema(c.colon(name), all)
}
