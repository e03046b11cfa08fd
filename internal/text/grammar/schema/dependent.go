package schema

import "slices"

// maxTriggers bounds the names that make others required.
const maxTriggers = 6

// dependents returns the named members once for each set of present names that
// make others required: there the present ones and those that depend on them are
// required, and the absent ones are left out.
func (c *compiler) dependents(parts []*value, m *members) [][]property {
	var rules []member // a name, and the names that it requires
	for _, p := range parts {
		if v := p.get("dependentRequired"); v != nil {
			rules = append(rules, v.members...)
		}
	}
	var triggers []string
	for _, p := range m.named {
		if !p.required && !p.hidden && slices.ContainsFunc(rules, func(r member) bool { return r.name == p.name }) {
			triggers = append(triggers, p.name)
		}
	}
	if len(triggers) > maxTriggers {
		c.fault(parts[0].get("dependentRequired"), "%d names make others required, the limit is %d", len(triggers), maxTriggers)
		return nil
	}
	var all [][]property
	for present := range 1 << len(triggers) {
		absent := map[string]bool{}
		required := map[string]bool{}
		for i, t := range triggers {
			absent[t], required[t] = present&(1<<i) == 0, present&(1<<i) != 0
		}
		if named, ok := c.with(m, rules, required, absent); ok {
			all = append(all, named)
		}
	}
	return all
}

// with returns the named members where some are required, what these require is
// required too, and some are absent. It is false where that cannot be.
func (c *compiler) with(m *members, rules []member, required, absent map[string]bool) ([]property, bool) {
	for _, p := range m.named {
		required[p.name] = required[p.name] || p.required
	}
	for changed := true; changed; {
		changed = false
		c.budget.Spend(len(rules))
		for _, r := range rules {
			for _, item := range r.items {
				if required[r.name] && !required[item.text] {
					required[item.text], changed = true, true
				}
			}
		}
	}
	var named []property
	known := map[string]bool{}
	for _, p := range m.named {
		known[p.name] = true
		p.required = required[p.name]
		switch {
		case p.required && absent[p.name]:
			return nil, false
		case !absent[p.name] && (p.required || !p.hidden):
			named = append(named, p)
		}
	}
	for name, needed := range required {
		if needed && !known[name] {
			return nil, false // propertyNames forbids it
		}
	}
	return named, true
}
