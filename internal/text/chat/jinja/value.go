package jinja

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

// A value is nil (none), undefined, bool, int64, float64, Text, List, Tuple,
// *Dict, *namespace, *macro, function or *loop.
type (
	// List is a sequence in brackets. Never changed in place.
	List []any
	// Tuple is a sequence in parentheses.
	Tuple []any
	// Dict is a mapping from texts, in the order of insertion.
	Dict struct {
		keys   []Text
		values map[string]any
	}
	// undefined is what a name, key or attribute without a value has. It is
	// empty and false; whatever else is done with it fails.
	undefined struct{ what string }
	namespace struct{ attributes map[string]any }
	function  func(s *state, c values) any
	macro     struct {
		name   string
		body   macroBody
		scope  *scope // where it was defined
		caller any    // of a call block, or nil
	}
)

// Set adds a key, or gives it another value.
func (d *Dict) Set(key Text, value any) {
	k := key.String()
	if _, ok := d.values[k]; !ok {
		d.keys = append(d.keys, key)
	}
	if d.values == nil {
		d.values = map[string]any{}
	}
	d.values[k] = value
}

// Object makes a mapping of names of the template's own and values.
func Object(pairs ...any) *Dict {
	d := &Dict{}
	for i := 0; i+1 < len(pairs); i += 2 {
		d.Set(own(pairs[i].(string)), pairs[i+1])
	}
	return d
}

// Own makes a text of the template's own.
func Own(s string) Text { return own(s) }

// truth is Python's bool().
func truth(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case Text:
		return len(v) > 0
	case List:
		return len(v) > 0
	case Tuple:
		return len(v) > 0
	case *Dict:
		return len(v.keys) > 0
	}
	return true
}

// kindOf names a type in messages, as Python does.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "none"
	case undefined:
		return "undefined"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case Text:
		return "str"
	case List:
		return "list"
	case Tuple:
		return "tuple"
	case *Dict:
		return "dict"
	}
	return "function"
}

// number reads what Python counts as one; true is 1.
func number(v any) (i int64, f float64, isInt, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, 1, true, true
		}
		return 0, 0, true, true
	case int64:
		return v, float64(v), true, true
	case float64:
		return 0, v, false, true
	}
	return 0, 0, false, false
}

// sequence is the elements of a list or a tuple.
func sequence(v any) ([]any, bool) {
	switch v := v.(type) {
	case List:
		return v, true
	case Tuple:
		return v, true
	}
	return nil, false
}

// equal is Python's ==.
func equal(a, b any) bool {
	if ai, af, aInt, ok := number(a); ok {
		bi, bf, bInt, ok := number(b)
		if aInt && bInt {
			return ok && ai == bi
		}
		return ok && af == bf
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case undefined:
		_, ok := b.(undefined)
		return ok
	case Text:
		b, ok := b.(Text)
		return ok && a.equal(b)
	case List:
		b, ok := b.(List)
		return ok && equalAll(a, b)
	case Tuple:
		b, ok := b.(Tuple)
		return ok && equalAll(a, b)
	case *Dict:
		b, ok := b.(*Dict)
		if !ok || len(a.keys) != len(b.keys) {
			return false
		}
		for k, v := range a.values {
			if w, ok := b.values[k]; !ok || !equal(v, w) {
				return false
			}
		}
		return true
	case function:
		return false
	}
	if _, isFunction := b.(function); isFunction {
		return false
	}
	switch b.(type) {
	case Text, List, Tuple:
		return false
	}
	return a == b
}

func equalAll(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// order compares numbers, texts and sequences; ok is false for other pairs.
func order(a, b any) (cmp int, ok bool) {
	if ai, af, aInt, isNumber := number(a); isNumber {
		bi, bf, bInt, isNumber := number(b)
		switch {
		case !isNumber:
			return 0, false
		case aInt && bInt && ai < bi, !(aInt && bInt) && af < bf:
			return -1, true
		case aInt && bInt && ai > bi, !(aInt && bInt) && af > bf:
			return 1, true
		}
		return 0, true
	}
	if a, isText := a.(Text); isText {
		b, isText := b.(Text)
		return a.compare(b), isText
	}
	x, isList := sequence(a)
	y, alsoList := sequence(b)
	if !isList || !alsoList || kindOf(a) != kindOf(b) {
		return 0, false
	}
	for i := range min(len(x), len(y)) {
		if !equal(x[i], y[i]) {
			return order(x[i], y[i])
		}
	}
	return len(x) - len(y), true
}

// str is Python's str(): what {{ v }} writes.
func str(v any) Text {
	switch v := v.(type) {
	case undefined:
		return nil
	case Text:
		return v
	case nil:
		return own("None")
	case bool:
		if v {
			return own("True")
		}
		return own("False")
	case int64:
		return own(strconv.FormatInt(v, 10))
	case float64:
		return own(float(v))
	case List:
		return concat(own("["), reprAll(v), own("]"))
	case Tuple:
		end := ")"
		if len(v) == 1 {
			end = ",)"
		}
		return concat(own("("), reprAll(v), own(end))
	case *Dict:
		var parts []Text
		for _, k := range v.keys {
			parts = append(parts, concat(repr(k), own(": "), repr(v.values[k.String()])))
		}
		return concat(own("{"), own(", ").join(parts), own("}"))
	}
	return own("<function>")
}

func reprAll(items []any) Text {
	parts := make([]Text, len(items))
	for i, v := range items {
		parts[i] = repr(v)
	}
	return own(", ").join(parts)
}

// repr is Python's repr(): str with quotes round texts.
func repr(v any) Text {
	t, ok := v.(Text)
	if !ok {
		if _, isUndefined := v.(undefined); isUndefined {
			return own("Undefined")
		}
		return str(v)
	}
	s := t.String()
	quote := '\''
	if strings.ContainsRune(s, '\'') && !strings.ContainsRune(s, '"') {
		quote = '"'
	}
	out := Text{{Rune: quote}}
	for _, c := range t {
		out = append(out, reprChar(c, quote)...)
	}
	return append(out, Char{Rune: quote})
}

func reprChar(c Char, quote rune) Text {
	escaped := ""
	switch r := c.Rune; {
	case r == quote || r == '\\':
		escaped = "\\" + string(r)
	case r == '\n':
		escaped = `\n`
	case r == '\r':
		escaped = `\r`
	case r == '\t':
		escaped = `\t`
	case r == ' ' || unicode.IsPrint(r):
		return Text{c}
	case r < 0x100:
		escaped = `\x` + hex(r, 2)
	case r < 0x10000:
		escaped = `\u` + hex(r, 4)
	default:
		escaped = `\U` + hex(r, 8)
	}
	return Data(escaped, c.From)
}

func hex(r rune, digits int) string {
	s := strconv.FormatInt(int64(r), 16)
	return strings.Repeat("0", digits-len(s)) + s
}

// float is Python's repr of a float: the shortest digits that read back.
func float(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	digits := strconv.FormatFloat(f, 'e', -1, 64)
	_, exponent, _ := strings.Cut(digits, "e")
	if e, _ := strconv.Atoi(exponent); f != 0 && (e < -4 || e >= 16) { // FormatFloat wrote it
		return digits
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
