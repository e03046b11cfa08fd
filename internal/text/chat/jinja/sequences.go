package jinja

import "slices"

func mapped(items []any, f func(any) any) []any {
	out := make([]any, len(items))
	for i, v := range items {
		out[i] = f(v)
	}
	return out
}

// path follows an attribute like "a.b.0" into a value.
func path(c values, v, attribute any) any {
	t, ok := attribute.(Text)
	if !ok {
		return itemOf(c.line, v, attribute)
	}
	for _, part := range t.split(own("."), -1) {
		var key any = part
		if part.all(func(r rune) bool { return '0' <= r && r <= '9' }) {
			if i, ok := toInt(part); ok {
				key = i
			}
		}
		v = itemOf(c.line, v, key)
	}
	return v
}

// keyOf is what sort, min, max and unique compare.
func keyOf(c values, attribute, caseSensitive *any) func(any) any {
	return func(v any) any {
		if attribute != nil && *attribute != nil {
			v = path(c, v, *attribute)
		}
		return folded(v, caseSensitive)
	}
}

var sequenceFilters = map[string]filter{
	"length": func(_ *state, v any, c values) any {
		switch v := v.(type) {
		case Text:
			return int64(len(v))
		case List, Tuple, *Dict, undefined:
			return int64(len(iterate(c.line, v)))
		}
		fail(c.line, "%s has no length", kindOf(v))
		return nil
	},
	"list": func(s *state, v any, c values) any {
		items := iterate(c.line, v)
		s.spend(c.line, len(items))
		return List(slices.Clone(items))
	},
	"first": func(_ *state, v any, c values) any { return firstOf(iterate(c.line, v)) },
	"last": func(_ *state, v any, c values) any {
		items := slices.Clone(iterate(c.line, v))
		slices.Reverse(items)
		return firstOf(items)
	},
	"reverse": func(s *state, v any, c values) any {
		items := slices.Clone(iterate(c.line, v))
		s.spend(c.line, len(items))
		slices.Reverse(items)
		if _, ok := v.(Text); ok {
			return joined(s, c, List(items), nil, true)
		}
		return List(items)
	},
	"items": func(_ *state, v any, c values) any {
		if isUndefined(v) {
			return List{}
		}
		d, ok := v.(*Dict)
		if !ok {
			fail(c.line, "%s has no items", kindOf(v))
		}
		return d.items()
	},
	"dictsort": func(_ *state, v any, c values) any {
		a := c.bind("dictsort", "case_sensitive", "by", "reverse")
		d, ok := v.(*Dict)
		if !ok {
			fail(c.line, "dictsort of %s, expected a mapping", kindOf(v))
		}
		place := 0
		if a[1] != nil && str(*a[1]).String() == "value" {
			place = 1
		}
		return List(sorted(c, d.items(), func(v any) any { return folded(v.(Tuple)[place], a[0]) }, a[2] != nil && truth(*a[2])))
	},
	"sort": func(s *state, v any, c values) any {
		a := c.bind("sort", "reverse", "case_sensitive", "attribute")
		items := iterate(c.line, v)
		s.spend(c.line, len(items)*20)
		return List(sorted(c, items, keyOf(c, a[2], a[1]), a[0] != nil && truth(*a[0])))
	},
	"unique": func(s *state, v any, c values) any {
		a := c.bind("unique", "case_sensitive", "attribute")
		key, out, seen := keyOf(c, a[1], a[0]), List{}, []any{}
		for _, item := range iterate(c.line, v) {
			k := key(item)
			s.spend(c.line, len(seen)+nodeSteps)
			if !slices.ContainsFunc(seen, func(other any) bool { return equal(k, other) }) {
				out, seen = append(out, item), append(seen, k)
			}
		}
		return out
	},
	"min": func(_ *state, v any, c values) any { return extreme(c, v, -1) },
	"max": func(_ *state, v any, c values) any { return extreme(c, v, 1) },
	"sum": func(s *state, v any, c values) any {
		a := c.bind("sum", "attribute", "start")
		var total any = int64(0)
		if a[1] != nil {
			total = *a[1]
		}
		for _, item := range iterate(c.line, v) {
			if a[0] != nil && *a[0] != nil {
				item = path(c, item, *a[0])
			}
			total = binary{c.line, "+", literal{total}, literal{item}}.eval(s)
		}
		return total
	},
	"map":        mapFilter,
	"select":     func(s *state, v any, c values) any { return selected(s, v, c, false, true) },
	"reject":     func(s *state, v any, c values) any { return selected(s, v, c, false, false) },
	"selectattr": func(s *state, v any, c values) any { return selected(s, v, c, true, true) },
	"rejectattr": func(s *state, v any, c values) any { return selected(s, v, c, true, false) },
}

func firstOf(items []any) any {
	if len(items) == 0 {
		return undefined{"an item of an empty sequence"}
	}
	return items[0]
}

func extreme(c values, v any, sign int) any {
	a := c.bind("min or max", "case_sensitive", "attribute")
	items, key := iterate(c.line, v), keyOf(c, a[1], a[0])
	best := firstOf(items)
	for i, item := range items {
		n, ok := order(key(item), key(best))
		if !ok {
			fail(c.line, "%s cannot be ordered with %s", kindOf(item), kindOf(best))
		}
		if i > 0 && n*sign > 0 {
			best = item
		}
	}
	return best
}

// mapFilter is map(attribute=...) or map("filter", arguments...).
func mapFilter(s *state, v any, c values) any {
	items := iterate(c.line, v)
	s.spend(c.line, len(items)+nodeSteps)
	if len(c.positional) == 0 {
		a := c.bind("map", "attribute!", "default")
		return List(mapped(items, func(item any) any {
			if item = path(c, item, *a[0]); isUndefined(item) && a[1] != nil {
				return *a[1]
			}
			return item
		}))
	}
	name := str(c.positional[0]).String()
	f, ok := s.filters[name]
	if !ok {
		fail(c.line, "the filter %s is not supported", name)
	}
	rest := values{c.line, c.positional[1:], c.named}
	return List(mapped(items, func(item any) any { return f(s, item, rest) }))
}

// selected keeps the items, or those whose attribute, a test holds for: by
// default whether it is true.
func selected(s *state, v any, c values, byAttribute, want bool) any {
	args := c.positional
	var attribute any
	if byAttribute {
		if len(args) == 0 {
			fail(c.line, "the name of an attribute is missing")
		}
		attribute, args = args[0], args[1:]
	}
	test := func(v any, _ values) bool { return truth(v) }
	if len(args) > 0 {
		name := str(args[0]).String()
		for symbol, spelled := range map[string]string{"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"} {
			if name == symbol {
				name = spelled
			}
		}
		var ok bool
		if test, ok = tests[name]; !ok {
			fail(c.line, "the test %s is not supported", name)
		}
		args = args[1:]
	}
	out := List{}
	for _, item := range iterate(c.line, v) {
		s.spend(c.line, nodeSteps)
		of := item
		if byAttribute {
			of = path(c, item, attribute)
		}
		if test(of, values{c.line, args, c.named}) == want {
			out = append(out, item)
		}
	}
	return out
}
