package schema

import (
	"slices"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
	"github.com/hachi-serve/hachi/internal/text/grammar/regex"
)

const (
	// maxRegions bounds the sets of names that patternProperties tell apart.
	maxRegions = 64
	// maxListed is the maximum number of names that are drawn one by one, where
	// the names of a region are finite.
	maxListed = 64
)

// property is a member of an object that has a name.
type property struct {
	name     string
	all      []*value // what its value satisfies
	required bool
	hidden   bool // written only if it is required
}

// region is the members whose names satisfy the same patterns, and no known name
// has.
type region struct {
	at       *value     // for faults
	language *regex.DFA // of the names; nil is all texts
	all      []*value   // what a value satisfies
}

// residue returns the names of a region with one of some residues: names with
// different residues differ.
func (r region) residue(want, residues int, budget *automaton.Budget) (*regex.DFA, error) {
	classes := make([][]regex.Range, residues)
	for b := rune(0); b < 0x80; b++ {
		i := int(b) % residues
		classes[i] = append(classes[i], regex.Range{Lo: b, Hi: b})
	}
	for _, s := range regex.Scalars() {
		classes[1] = append(classes[1], regex.Range{Lo: max(s.Lo, 0x80), Hi: s.Hi})
	}
	language := r.language
	if language == nil {
		language = regex.Class(raw())
	}
	return language.Intersect(regex.Residue(classes, want), budget)
}

// members is what an object may have.
type members struct {
	named   []property
	regions []region
}

// members lists the members of objects that satisfy all of some schemas: those
// that a schema names, and others where a schema says so or where none lists
// properties. It is false if there are none such objects, or if it has recorded a
// fault.
func (c *compiler) members(parts []*value) (m *members, ok bool) {
	rules, ok := c.nameRules(parts)
	if !ok {
		return nil, false
	}
	m = &members{}
	names, required, declared := memberNames(parts)
	known := map[string]bool{}
	for _, name := range append(names, c.listedNames(parts)...) {
		if known[name] {
			continue
		}
		known[name] = true
		p := property{name: name, required: required[name]}
		p.hidden = !declared[name] && !rules.open && !rules.matches(name)
		if p.all, ok = c.declarations(parts, &rules, name); !ok {
			return nil, false
		}
		if !rules.permits(name) {
			if p.required {
				return nil, false
			}
			continue
		}
		m.named = append(m.named, p)
	}
	return m, c.divide(m, parts, &rules)
}

// memberNames lists the names that schemas declare, then those that they require
// or that depend on others.
func memberNames(parts []*value) (names []string, required, declared map[string]bool) {
	required, declared = map[string]bool{}, map[string]bool{}
	known := map[string]bool{}
	add := func(name string) {
		if !known[name] {
			known[name] = true
			names = append(names, name)
		}
	}
	for _, p := range parts {
		if v := p.get("properties"); v != nil {
			for _, m := range v.members {
				add(m.name)
				declared[m.name] = true
			}
		}
	}
	for _, p := range parts {
		if r := p.get("required"); r != nil {
			for _, item := range r.items {
				add(item.text)
				required[item.text] = true
			}
		}
	}
	for _, p := range parts {
		if v := p.get("dependentRequired"); v != nil {
			for _, m := range v.members {
				add(m.name)
				for _, item := range m.items {
					add(item.text)
				}
			}
		}
	}
	return names, required, declared
}

// listedNames returns the names that the enum or const of a propertyNames lists,
// in their order.
func (c *compiler) listedNames(parts []*value) []string {
	var names []string
	for _, p := range parts {
		v := p.get("propertyNames")
		if v == nil {
			continue
		}
		f := c.layAll([]*value{v})
		if f == nil {
			continue
		}
		for _, part := range f.parts {
			for _, item := range constants(part) {
				if item.kind == text {
					names = append(names, item.text)
				}
			}
		}
	}
	return names
}

// declarations returns all that schemas say of the value of a member: by its name,
// by the patterns that its name matches, or else by additionalProperties.
func (c *compiler) declarations(parts []*value, rules *nameRules, name string) (all []*value, ok bool) {
	c.budget.Spend(len(parts))
	for _, p := range parts {
		said := false
		if declared := p.get("properties"); declared != nil && declared.get(name) != nil {
			all, said = append(all, declared.get(name)), true
		}
		for _, pattern := range rules.patterns {
			if pattern.part != p {
				continue
			}
			c.budget.Spend(len(name))
			if !spells(pattern.alphabet, name) {
				c.fault(pattern.schema, "the name %.100q has characters that readers of the pattern disagree on", name)
				return nil, false
			}
			if pattern.language.Match(name) {
				all, said = append(all, pattern.schema), true
			}
		}
		if v := p.get("additionalProperties"); v != nil && !said {
			all = append(all, v)
		}
	}
	return all, true
}

// divide adds the regions of the other names. A region of few names becomes named
// members.
func (c *compiler) divide(m *members, parts []*value, rules *nameRules) bool {
	at := parts[0]
	if len(rules.patterns) == 0 && rules.allowed == nil && len(m.named) == 0 {
		if rules.open {
			m.regions = []region{{at: at, all: additional(parts, nil)}}
		}
		return true
	}
	cells, ok := c.cells(m, at, rules)
	if !ok {
		return false
	}
	for _, cell := range cells {
		if !rules.open && len(cell.schemas) == 0 {
			continue
		}
		all := append(slices.Clone(cell.schemas), additional(parts, cell.stated)...)
		words, few := cell.language.List(maxListed)
		if !few {
			m.regions = append(m.regions, region{at: at, language: cell.language, all: all})
		}
		for _, w := range words {
			m.named = append(m.named, property{name: w, all: all})
		}
	}
	return true
}

// additional returns the additionalProperties of the schemas that are not among
// some.
func additional(parts, without []*value) []*value {
	var all []*value
	for _, p := range parts {
		if v := p.get("additionalProperties"); v != nil && !slices.Contains(without, p) {
			all = append(all, v)
		}
	}
	return all
}

// cell is the names that match some patterns and no other pattern.
type cell struct {
	language *regex.DFA
	schemas  []*value // of the patterns
	stated   []*value // the schemas that have the patterns
}

// cells divides the names that are not known by the patterns that they match.
func (c *compiler) cells(m *members, at *value, rules *nameRules) ([]cell, bool) {
	known := make([]string, len(m.named))
	for i, p := range m.named {
		known[i] = p.name
	}
	alphabet := rules.alphabet
	if len(rules.patterns) == 0 && rules.allowed == nil {
		alphabet = raw() // few states, for the most frequent schemas
	}
	free, err := regex.Class(alphabet).Minus(regex.Words(known), c.budget)
	if err == nil && rules.allowed != nil {
		free, err = free.Intersect(rules.allowed, c.budget)
	}
	cells := []cell{{language: free}}
	for _, p := range rules.patterns {
		var next []cell
		for _, cell := range cells {
			if err == nil {
				next, err = cell.split(next, p, c.budget)
				c.charge(cell.language)
			}
		}
		if cells = next; len(cells) > maxRegions {
			c.fault(p.schema, "the patterns tell more than %d sets of names apart", maxRegions)
			return nil, false
		}
	}
	if err != nil {
		c.fault(at, "names: %w", err)
		return nil, false
	}
	return slices.DeleteFunc(cells, func(c cell) bool { return c.language.Empty() }), true
}

// split appends the names of a cell that match a pattern and those that do not.
func (c cell) split(to []cell, p namePattern, budget *automaton.Budget) ([]cell, error) {
	in, err := c.language.Intersect(p.language, budget)
	if err != nil {
		return nil, err
	}
	out, err := c.language.Minus(p.language, budget)
	if err != nil {
		return nil, err
	}
	if !in.Empty() {
		to = append(to, cell{in, append(slices.Clone(c.schemas), p.schema), append(slices.Clone(c.stated), p.part)})
	}
	if !out.Empty() {
		c.language = out
		to = append(to, c)
	}
	return to, nil
}
