package openai

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// fields are the members of an object, by key.
type fields map[string]json.RawMessage

// has reports whether a parameter is there and not null: null is absent.
func (f fields) has(name string) bool {
	raw, ok := f[name]
	return ok && string(raw) != "null"
}

// kindOf names the kind of a JSON value, for messages.
func kindOf(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "missing"
	}
	switch raw[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// reader reads parameters of an object and keeps the first fault.
type reader struct {
	f      fields
	prefix string // of the parameters' names in errors
	vocab  int    // of the model, for messages
	err    error
}

// value returns a parameter that is present, of the wanted kind, while there
// is no fault yet.
func (r *reader) value(name, kind string) (json.RawMessage, bool) {
	if r.err != nil || !r.f.has(name) {
		return nil, false
	}
	raw := r.f[name]
	if got := kindOf(raw); got != kind {
		r.fault(name, codeType, "is %s, expected %s", got, kind)
		return nil, false
	}
	return raw, true
}

func (r *reader) fault(name, code, format string, args ...any) {
	if r.err == nil {
		name = r.prefix + name
		r.err = invalid(name, code, name+" "+fmt.Sprintf(format, args...))
	}
}

// inside returns a reader of an object that is a parameter; nil if it is absent
// or wrong.
func (r *reader) inside(name string) *reader {
	raw, ok := r.value(name, "an object")
	if !ok {
		return nil
	}
	f, err := object(r.prefix+name, raw)
	if err != nil {
		r.err = err
		return nil
	}
	return &reader{f: f, prefix: r.prefix + name + "."}
}

func (r *reader) text(name string, v *string) {
	if raw, ok := r.value(name, "a string"); ok {
		*v = asText(raw)
	}
}

func (r *reader) flag(name string, v *bool) {
	if raw, ok := r.value(name, "a boolean"); ok {
		*v = raw[0] == 't'
	}
}

// number reads a float.
func (r *reader) number(name string, v *float64) {
	raw, ok := r.value(name, "a number")
	if !ok {
		return
	}
	x, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		r.fault(name, codeValue, "is %s, expected a 64-bit float", raw)
		return
	}
	*v = x
}

// integer reads a whole number; 3.0 and 3e0 are 3.
func (r *reader) integer(name string, v *int) {
	r.integerWithin(name, v, math.MinInt32, math.MaxInt32)
}

// integerWithin reads a whole number within bounds.
func (r *reader) integerWithin(name string, v *int, low, high int) {
	raw, ok := r.value(name, "a number")
	if !ok {
		return
	}
	x, ok := whole(raw)
	if !ok {
		r.fault(name, codeType, "is %s, expected an integer", raw)
		return
	}
	if x < int64(low) || x > int64(high) {
		r.fault(name, codeValue, "is %s, expected %d to %d", raw, low, high)
		return
	}
	*v = int(x)
}

// whole reads a JSON number that is an integer, saturated to 64 bits.
func whole(raw json.RawMessage) (int64, bool) {
	if x, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return x, true
	}
	x, err := strconv.ParseFloat(string(raw), 64)
	switch {
	case x >= math.MaxInt64:
		return math.MaxInt64, true
	case x <= math.MinInt64:
		return math.MinInt64, true
	}
	return int64(x), err == nil && x == math.Trunc(x)
}

// asText decodes a string that is known to be valid.
func asText(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}
