package schema

import (
	"math/big"
	"slices"
	"strings"
)

// speaksOf maps the keywords that assert something to the types of which they
// do; none is all types.
var speaksOf = map[string]types{
	"type": 0, "enum": 0, "const": 0,
	"properties": objects, "required": objects, "additionalProperties": objects,
	"items": arrays, "prefixItems": arrays, "minItems": arrays, "maxItems": arrays,
	"minLength": texts, "maxLength": texts, "pattern": texts, "format": texts,
	"minimum": numbers, "maximum": numbers, "exclusiveMinimum": numbers, "exclusiveMaximum": numbers,
}

// applicators join other schemas.
var applicators = []string{"$ref", "allOf", "anyOf", "oneOf"}

// annotations assert nothing. The discriminator of OpenAPI says again what
// oneOf says.
var annotations = []string{
	"title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly",
	"$schema", "$comment", "$defs", "definitions", "discriminator",
}

// idle maps keywords to the one value with which they assert nothing.
var idle = map[string]string{"uniqueItems": "false", "minProperties": "0", "minContains": "0", "unevaluatedProperties": "true", "unevaluatedItems": "true"}

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

// check notes what is wrong with the keywords of a schema, the first time it is
// asked. It reports whether v is a schema at all.
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
			c.fault(m.value, "$id is supported at the top of the schema alone")
		case idles && m.text != only:
			c.fault(m.value, "%.100s is not supported", m.name)
		case known || slices.Contains(applicators, m.name):
			c.shape(m)
		case !silent(m.name):
			c.fault(m.value, "%.100s is not supported", m.name)
		}
	}
	c.order(v, "minLength", "maxLength")
	c.order(v, "minItems", "maxItems")
	if choice := v.get("oneOf"); choice != nil && choice.kind == array {
		c.exclusive(choice)
	}
	return true
}

// shape notes a keyword whose value has the wrong form.
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
	case "properties":
		expect(m.kind == object, "an object of schemas")
	case "required":
		expect(strings(m.value), "a list of names")
	case "$ref", "pattern", "format":
		expect(m.kind == text, "a string")
	case "additionalProperties", "items":
		expect(m.kind == object || m.kind == boolean, "a schema")
	case "minItems", "maxItems", "minLength", "maxLength":
		n, ok := count(m.value)
		expect(ok, "a whole number, 0 or more")
		if ok && n > c.limits.States {
			c.fault(m.value, "%s is %d, the limit is %d", m.name, n, c.limits.States)
		}
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		_, err := parseDecimal(m.value)
		expect(err == nil, "a number of at most 17 digits after the point")
	}
}

// order notes a least that is more than the most.
func (c *compiler) order(v *value, least, most string) {
	low, high := v.get(least), v.get(most)
	if low == nil || high == nil {
		return
	}
	a, okA := count(low)
	b, okB := count(high)
	if okA && okB && a > b {
		c.fault(v, "%s is %d and %s is %d", least, a, most, b)
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

// bounds returns the largest and the smallest of the counts that some schemas
// give for two keywords; most is -1 when none does.
func bounds(parts []*value, leastName, mostName string) (least, most int) {
	most = -1
	for _, p := range parts {
		if v := p.get(leastName); v != nil {
			n, _ := count(v)
			least = max(least, n)
		}
		if v := p.get(mostName); v != nil {
			if n, ok := count(v); ok && (most < 0 || n < most) {
				most = n
			}
		}
	}
	return least, most
}
