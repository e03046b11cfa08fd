package jinja

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

type filter func(s *state, v any, c values) any

// filters are what may follow |.
var filters = merged(textFilters, sequenceFilters, numberFilters)

func merged(parts ...map[string]filter) map[string]filter {
	out := map[string]filter{}
	for _, p := range parts {
		maps.Copy(out, p)
	}
	out["count"], out["d"] = out["length"], out["default"]
	return out
}

var textFilters = map[string]filter{
	"string":     func(_ *state, v any, c values) any { return written(c.line, v) },
	"safe":       func(_ *state, v any, c values) any { return written(c.line, v) },
	"upper":      func(_ *state, v any, _ values) any { return str(v).upper() },
	"lower":      func(_ *state, v any, _ values) any { return str(v).lower() },
	"capitalize": func(_ *state, v any, _ values) any { return str(v).capitalize() },
	"title": func(_ *state, v any, _ values) any {
		return str(v).title(func(r rune) bool { return strings.ContainsRune("-({[<", r) || isSpace(r) })
	},
	"trim": func(_ *state, v any, c values) any { return str(v).trim(c.charset("trim"), true, true) },
	"replace": func(s *state, v any, c values) any {
		a := c.bind("replace", "old!", "new!", "count")
		return replaced(s, c, str(v), str(*a[0]), str(*a[1]), a[2])
	},
	"indent": indented,
	"join": func(s *state, v any, c values) any {
		a := c.bind("join", "d", "attribute")
		by := Text(nil)
		if a[0] != nil {
			by = str(*a[0])
		}
		if a[1] != nil {
			v = List(mapped(iterate(c.line, v), func(item any) any { return path(c, item, *a[1]) }))
		}
		return joined(s, c, v, by, false)
	},
	"tojson": func(s *state, v any, c values) any {
		text := toJSON(c, v)
		s.spend(c.line, len(text)+nodeSteps)
		return text
	},
}

// joined puts by between texts; strictly, or of whatever has a text.
func joined(s *state, c values, v any, by Text, strict bool) Text {
	var parts []Text
	for _, item := range iterate(c.line, v) {
		if strict {
			c.text("join", item)
		}
		parts = append(parts, written(c.line, item))
		s.spend(c.line, len(parts[len(parts)-1])+len(by)+nodeSteps)
	}
	return by.join(parts)
}

// indented puts space before every line but the first and empty ones.
func indented(s *state, v any, c values) any {
	a := c.bind("indent", "width", "first", "blank")
	space := own(strings.Repeat(" ", min(max(c.integer("indent", nonText(a[0]), 4), 0), 1000)))
	if a[0] != nil {
		if t, ok := (*a[0]).(Text); ok {
			space = t
		}
	}
	first, blank := a[1] != nil && truth(*a[1]), a[2] != nil && truth(*a[2])
	newline := own("\n")
	lines := concat(str(v), newline).lines()
	for i, line := range lines {
		s.spend(c.line, len(line)+len(space)+nodeSteps)
		if i == 0 && first || i > 0 && (blank || len(line) > 0) {
			lines[i] = concat(space, line)
		}
	}
	return newline.join(lines)
}

// nonText drops an argument that is a text.
func nonText(v *any) *any {
	if v != nil {
		if _, ok := (*v).(Text); ok {
			return nil
		}
	}
	return v
}

var numberFilters = map[string]filter{
	"default": func(_ *state, v any, c values) any {
		a := c.bind("default", "default_value", "boolean")
		if !isUndefined(v) && (a[1] == nil || !truth(*a[1]) || truth(v)) {
			return v
		}
		if a[0] == nil {
			return Text(nil)
		}
		return *a[0]
	},
	"abs": func(_ *state, v any, c values) any {
		if i, f, isInt, ok := number(v); !ok {
			fail(c.line, "abs of %s, expected a number", kindOf(v))
		} else if !isInt {
			return math.Abs(f)
		} else if i >= 0 {
			return i
		}
		return unary{c.line, "-", literal{v}}.eval(nil)
	},
	"int": func(_ *state, v any, c values) any {
		a := c.bind("int", "default")
		if i, ok := toInt(v); ok {
			return i
		}
		if a[0] == nil {
			return int64(0)
		}
		return *a[0]
	},
	"float": func(_ *state, v any, c values) any {
		a := c.bind("float", "default")
		if _, f, _, ok := number(v); ok {
			return f
		}
		if t, ok := v.(Text); ok {
			if f, err := strconv.ParseFloat(strings.TrimFunc(t.String(), isSpace), 64); err == nil {
				return f
			}
		}
		if a[0] == nil {
			return 0.0
		}
		return *a[0]
	},
	"round": func(_ *state, v any, c values) any {
		a := c.bind("round", "precision", "method")
		if a[1] != nil {
			fail(c.line, "round by a method is not supported")
		}
		_, f, isInt, ok := number(v)
		if isInt {
			return v
		}
		if !ok {
			fail(c.line, "round of %s, expected a number", kindOf(v))
		}
		scale := math.Pow10(c.integer("round", a[0], 0))
		return math.RoundToEven(f*scale) / scale
	},
}

// toInt is Python's int() of a number or of digits.
func toInt(v any) (int64, bool) {
	if i, f, isInt, ok := number(v); ok {
		if isInt {
			return i, true
		}
		return int64(f), math.Abs(f) < 1<<63
	}
	t, ok := v.(Text)
	if !ok {
		return 0, false
	}
	digits := strings.TrimFunc(t.String(), isSpace)
	if i, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return i, true
	}
	f, err := strconv.ParseFloat(digits, 64)
	return int64(f), err == nil && math.Abs(f) < 1<<63
}

func sortedNames(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// folded is what sorting compares: texts without their case.
func folded(v any, caseSensitive *any) any {
	if t, ok := v.(Text); ok && (caseSensitive == nil || !truth(*caseSensitive)) {
		return t.lower()
	}
	return v
}

func sorted(c values, items []any, key func(any) any, reverse bool) []any {
	out := slices.Clone(items)
	slices.SortStableFunc(out, func(a, b any) int {
		n, ok := order(key(a), key(b))
		if !ok {
			fail(c.line, "%s cannot be ordered with %s", kindOf(a), kindOf(b))
		}
		if reverse {
			return -n
		}
		return cmp.Compare(n, 0)
	})
	return out
}
