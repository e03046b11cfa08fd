package schema

import (
	"math/big"
	"slices"
	"strings"
)

// speaksOf maps each asserting keyword to the types that it constrains; none is
// all types.
var speaksOf = map[string]types{
	"type": 0, "enum": 0, "const": 0,
	"properties": objects, "required": objects, "additionalProperties": objects, "patternProperties": objects,
	"propertyNames": objects, "minProperties": objects, "maxProperties": objects, "dependentRequired": objects,
	"items": arrays, "prefixItems": arrays, "additionalItems": arrays, "minItems": arrays, "maxItems": arrays, "uniqueItems": arrays,
	"minLength": texts, "maxLength": texts, "pattern": texts, "format": texts,
	"minimum": numbers, "maximum": numbers, "exclusiveMinimum": numbers, "exclusiveMaximum": numbers,
	"multipleOf": numbers,
}

// applicators join other schemas.
var applicators = []string{"$ref", "allOf", "anyOf", "oneOf", "not"}

// annotations assert nothing. The discriminator of OpenAPI repeats what oneOf
// asserts, and typesOf reads nullable. The content of a string is described, not
// asserted (Validation, section 8.1).
var annotations = []string{
	"title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly",
	"id", "$schema", "$comment", "$defs", "definitions", "discriminator", "nullable",
	"contentEncoding", "contentMediaType", "contentSchema",
}

// idle maps keywords to the one value with which they assert nothing.
var idle = map[string]string{"minContains": "0", "unevaluatedProperties": "true", "unevaluatedItems": "true"}

// silent reports that a keyword asserts nothing and joins nothing.
func silent(name string) bool {
	_, idles := idle[name]
	return slices.Contains(annotations, name) || strings.HasPrefix(name, "x-") || name == "$id" || idles
}

// asserts reports that a schema asserts something of its own.
func asserts(v *value) bool {
	return slices.ContainsFunc(v.members, func(m member) bool {
		_, ok := speaksOf[m.name]
		return ok
	})
}

// check records the faults of a schema's keywords, on the first call for it. It
// reports whether v is a schema at all.
func (c *compiler) check(v *value) bool {
	if v.kind != object && v.kind != boolean {
		c.fault(v, "not a schema: expected an object or a boolean")
		return false
	}
	if c.checked[v] {
		return true
	}
	c.checked[v] = true
	for _, m := range v.members {
		only, idles := idle[m.name]
		_, known := speaksOf[m.name]
		switch {
		case m.name == "$id" && v.parent != nil:
			c.fault(m.value, "$id is supported at the top of the schema only")
		case idles && m.text != only:
			c.fault(m.value, "%.100s is not supported", m.name)
		case known || slices.Contains(applicators, m.name) || m.name == "nullable":
			c.shape(m)
		case !silent(m.name):
			c.fault(m.value, "%.100s is not supported", m.name)
		}
	}
	c.order(v, "minLength", "maxLength")
	c.order(v, "minItems", "maxItems")
	c.order(v, "minProperties", "maxProperties")
	if choice := v.get("oneOf"); choice != nil && choice.kind == array {
		c.exclusive(choice)
	}
	return true
}

// shape records a keyword whose value has the wrong form.
func (c *compiler) shape(m member) {
	expect := func(ok bool, what string) {
		if !ok {
			c.fault(m.value, "%s: expected %s", m.name, what)
		}
	}
	strings := func(v *value) bool {
		return v.kind == array && !slices.ContainsFunc(v.items, func(i *value) bool { return i.kind != text })
	}
	switch m.name {
	case "type":
		names := []*value{m.value}
		if strings(m.value) {
			names = m.items
		}
		for _, n := range names {
			expect(n.kind == text && typeNames[n.text] != 0, "the name of a type, or a list of them")
		}
	case "enum", "allOf", "anyOf", "oneOf":
		expect(m.kind == array && len(m.items) > 0, "a list that is not empty")
	case "prefixItems":
		expect(m.kind == array, "a list of schemas")
	case "properties", "patternProperties":
		expect(m.kind == object, "an object of schemas")
	case "dependentRequired":
		lists := func(m member) bool { return strings(m.value) }
		expect(m.kind == object && !slices.ContainsFunc(m.members, func(m member) bool { return !lists(m) }), "an object of lists of names")
	case "not":
		trivial := m.kind == boolean || m.kind == object && !slices.ContainsFunc(m.members, func(m member) bool { return !silent(m.name) })
		expect(trivial, "{}, true or false: other negations are not supported")
	case "required":
		expect(strings(m.value), "a list of names")
	case "$ref", "pattern", "format":
		expect(m.kind == text, "a string")
	case "items":
		expect(m.kind == object || m.kind == boolean || m.kind == array, "a schema, or a list of schemas as in draft 7")
	case "additionalProperties", "propertyNames", "additionalItems":
		expect(m.kind == object || m.kind == boolean, "a schema")
	case "uniqueItems", "nullable":
		expect(m.kind == boolean, "true or false")
	case "multipleOf":
		d, err := parseDecimal(m.value)
		expect(err == nil && !d.negative && d != decimal{}, "a number above 0 of at most 17 digits after the point")
	case "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties":
		n, ok := count(m.value)
		expect(ok, "a whole number, 0 or more")
		if ok && n > c.limits.States && m.name[:len("min")] == "min" {
			c.fault(m.value, "%s is %d, the limit is %d", m.name, n, c.limits.States)
		}
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		if m.kind == boolean && m.name[0] == 'e' {
			return // as in draft 4 and OpenAPI 3.0: of the bound beside it
		}
		_, err := parseDecimal(m.value)
		expect(err == nil, "a number of at most 17 digits after the point")
	}
}

// order reports a minimum that exceeds its maximum.
func (c *compiler) order(v *value, minName, maxName string) {
	low, high := v.get(minName), v.get(maxName)
	if low == nil || high == nil {
		return
	}
	a, okA := count(low)
	b, okB := count(high)
	if okA && okB && a > b {
		c.fault(v, "%s is %d and %s is %d", minName, a, maxName, b)
	}
}

// count reads a whole number that is not negative; a huge one is cut.
func count(v *value) (int, bool) {
	if v.kind != number || len(v.text) > 32 || strings.ContainsAny(v.text, "eE-") {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(v.text)
	if !ok || !r.IsInt() {
		return 0, false
	}
	if !r.Num().IsInt64() || r.Num().Int64() > 1<<30 {
		return 1 << 30, true
	}
	return int(r.Num().Int64()), true
}

// bounds returns the largest minimum and the smallest maximum that some schemas
// give by two keywords; the maximum is -1 when no schema gives one.
func bounds(parts []*value, minName, maxName string) (minLen, maxLen int) {
	maxLen = -1
	for _, p := range parts {
		if v := p.get(minName); v != nil {
			n, _ := count(v)
			minLen = max(minLen, n)
		}
		if v := p.get(maxName); v != nil {
			if n, ok := count(v); ok && (maxLen < 0 || n < maxLen) {
				maxLen = n
			}
		}
	}
	return minLen, maxLen
}
