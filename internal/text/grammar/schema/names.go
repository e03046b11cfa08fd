package schema

import (
	"slices"

	"github.com/hachi-serve/hachi/internal/text/grammar/regex"
)

// texts returns the texts that satisfy all of some schemas, nil for all texts. It
// is false if it has recorded a fault.
func (c *compiler) texts(all []*value) (d *regex.DFA, ok bool) {
	if !c.enter(all[0]) {
		return nil, false
	}
	defer func() { c.depth-- }()
	faults := len(c.faults)
	f := c.layAll(all)
	if f == nil {
		return regex.Words(nil), len(c.faults) == faults
	}
	return c.textsOf(f)
}

// textsOf joins the texts of every way to choose.
func (c *compiler) textsOf(f *flat) (*regex.DFA, bool) {
	if len(f.choices) == 0 {
		return c.textsOfParts(f.parts)
	}
	joined := regex.Words(nil)
	for _, branch := range f.choices[0] {
		if !c.enter(branch) {
			return nil, false
		}
		d, ok := regex.Words(nil), true
		if g := c.choose(f, branch); g != nil {
			d, ok = c.textsOf(g)
		}
		c.depth--
		if !ok {
			return nil, false
		}
		if d == nil {
			return nil, true
		}
		var err error
		if joined, err = joined.Union(d, c.budget); err != nil {
			c.fault(branch, "texts: %w", err)
			return nil, false
		}
		c.charge(joined)
	}
	return joined, true
}

// textsOfParts returns the texts of schemas that neither refer nor choose.
func (c *compiler) textsOfParts(parts []*value) (*regex.DFA, bool) {
	set := allTypes
	for _, p := range parts {
		if p.get("type") != nil {
			set &= typesOf(p)
		}
	}
	if set&texts == 0 {
		return regex.Words(nil), true
	}
	d, ok := c.patterned(parts)
	if !ok {
		return nil, false
	}
	if given, listed := c.given(parts); listed {
		var words []string
		for _, v := range given {
			if v.kind == text {
				words = append(words, v.text)
			}
		}
		return regex.Words(words), true
	}
	minLen, maxLen := bounds(parts, "minLength", "maxLength")
	if d == nil && (minLen > 0 || maxLen >= 0) {
		d = regex.Class(regex.Scalars())
	}
	if d == nil {
		return nil, true
	}
	return c.cut(d, parts, minLen, maxLen)
}

// nameRules is what some schemas say about the names of members.
type nameRules struct {
	allowed  *regex.DFA // by propertyNames; nil is all names
	patterns []namePattern
	alphabet []regex.Range // on whose characters all patterns are read alike
	open     bool          // names that no schema mentions may be written
}

// namePattern is a member of patternProperties.
type namePattern struct {
	part     *value // the schema that has patternProperties
	schema   *value // of the members whose names match
	language *regex.DFA
	alphabet []regex.Range
}

// nameRules reads propertyNames and patternProperties. It is false if it has
// recorded a fault.
func (c *compiler) nameRules(parts []*value) (rules nameRules, ok bool) {
	rules.open, rules.alphabet = true, regex.Scalars()
	stated := false
	for _, p := range parts {
		stated = stated || p.get("additionalProperties") != nil
		if p.get("properties") != nil {
			rules.open = false
		}
		if v := p.get("patternProperties"); v != nil && v.kind == object {
			rules.open = false
			for _, m := range v.members {
				l := c.pattern(m.name)
				if l.err != nil {
					c.fault(m.value, "the pattern: %w", l.err)
					return rules, false
				}
				rules.patterns = append(rules.patterns, namePattern{p, m.value, l.language, l.alphabet})
				rules.alphabet = shared(rules.alphabet, l.alphabet)
			}
		}
		if v := p.get("propertyNames"); v != nil {
			if !c.allow(&rules, v) {
				return rules, false
			}
		}
	}
	rules.open = rules.open || stated
	return rules, true
}

// allow narrows the names by the schema of propertyNames.
func (c *compiler) allow(rules *nameRules, schema *value) bool {
	d, ok := c.texts([]*value{schema})
	if !ok {
		return false
	}
	if d != nil && rules.allowed != nil {
		var err error
		if d, err = rules.allowed.Intersect(d, c.budget); err != nil {
			c.fault(schema, "names: %w", err)
			return false
		}
	}
	if d != nil {
		rules.allowed = d
	}
	return true
}

// permits reports whether propertyNames allows a name.
func (r *nameRules) permits(name string) bool { return r.allowed == nil || r.allowed.Match(name) }

// matches reports whether some pattern matches a name.
func (r *nameRules) matches(name string) bool {
	return slices.ContainsFunc(r.patterns, func(p namePattern) bool { return p.language.Match(name) })
}

// shared returns the ranges that two lists have in common.
func shared(a, b []regex.Range) []regex.Range {
	var both []regex.Range
	for _, x := range a {
		for _, y := range b {
			if lo, hi := max(x.Lo, y.Lo), min(x.Hi, y.Hi); lo <= hi {
				both = append(both, regex.Range{Lo: lo, Hi: hi})
			}
		}
	}
	return both
}

// spells reports whether a text has only characters of an alphabet.
func spells(alphabet []regex.Range, s string) bool {
	for _, r := range s {
		if !slices.ContainsFunc(alphabet, func(a regex.Range) bool { return a.Lo <= r && r <= a.Hi }) {
			return false
		}
	}
	return true
}
