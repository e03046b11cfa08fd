package jinja

import (
	"slices"
	"unicode"
)

// tests are what may follow "is".
var tests = map[string]func(v any, c values) bool{
	"defined":   func(v any, _ values) bool { return !isUndefined(v) },
	"undefined": func(v any, _ values) bool { return isUndefined(v) },
	"none":      func(v any, _ values) bool { return v == nil },
	"boolean":   func(v any, _ values) bool { _, ok := v.(bool); return ok },
	"true":      func(v any, _ values) bool { b, ok := v.(bool); return ok && b },
	"false":     func(v any, _ values) bool { b, ok := v.(bool); return ok && !b },
	"integer":   func(v any, _ values) bool { _, ok := v.(int64); return ok },
	"float":     func(v any, _ values) bool { _, ok := v.(float64); return ok },
	"number":    func(v any, _ values) bool { _, _, _, ok := number(v); return ok },
	"string":    func(v any, _ values) bool { _, ok := v.(Text); return ok },
	"mapping":   func(v any, _ values) bool { _, ok := v.(*Dict); return ok },
	"sequence":  iterable,
	"iterable":  iterable,
	"callable": func(v any, _ values) bool {
		switch v.(type) {
		case function, *macro:
			return true
		}
		return false
	},
	"odd":  func(v any, c values) bool { return remainder(v, int64(2), c) == 1 },
	"even": func(v any, c values) bool { return remainder(v, int64(2), c) == 0 },
	"divisibleby": func(v any, c values) bool {
		return remainder(v, *c.bind("divisibleby", "num!")[0], c) == 0
	},
	"lower": func(v any, _ values) bool { return cased(v, unicode.IsUpper, unicode.IsLower) },
	"upper": func(v any, _ values) bool { return cased(v, unicode.IsLower, unicode.IsUpper) },
	"sameas": func(v any, c values) bool {
		other := *c.bind("sameas", "other!")[0]
		return kindOf(v) == kindOf(other) && equal(v, other)
	},
	"in": func(v any, c values) bool { return contains(c.line, *c.bind("in", "seq!")[0], v) },
	"eq": comparing("=="), "equalto": comparing("=="), "ne": comparing("!="),
	"lt": comparing("<"), "lessthan": comparing("<"), "le": comparing("<="),
	"gt": comparing(">"), "greaterthan": comparing(">"), "ge": comparing(">="),
}

func iterable(v any, _ values) bool {
	return slices.Contains([]string{"str", "list", "tuple", "dict", "undefined"}, kindOf(v))
}

func isUndefined(v any) bool { _, ok := v.(undefined); return ok }

func comparing(op string) func(any, values) bool {
	return func(v any, c values) bool { return holds(c.line, op, v, *c.bind("a comparison", "other!")[0]) }
}

func remainder(v, by any, c values) int64 {
	x, _, xInt, _ := number(v)
	y, _, yInt, _ := number(by)
	if !xInt || !yInt {
		fail(c.line, "%s and %s, expected integers", kindOf(v), kindOf(by))
	}
	return binary{line: c.line, op: "%"}.integers(x, y).(int64)
}

// cased reports whether a text has letters of one case and none of the other.
func cased(v any, not, some func(rune) bool) bool {
	found := false
	for _, c := range str(v) {
		if not(c.Rune) || unicode.IsTitle(c.Rune) {
			return false
		}
		found = found || some(c.Rune)
	}
	return found
}
