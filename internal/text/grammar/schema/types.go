package schema

// types is a set of JSON types. A number is an integer or it is not.
type types uint8

const (
	objects types = 1 << iota
	arrays
	texts
	fractions // numbers that are no integers
	integers
	booleans
	nulls

	numbers  = fractions | integers
	allTypes = objects | arrays | texts | numbers | booleans | nulls
)

var typeNames = map[string]types{
	"object": objects, "array": arrays, "string": texts, "number": numbers, "integer": integers, "boolean": booleans, "null": nulls,
}

// typesOf returns the types that a schema allows: those it names, or else those
// of which its keywords speak, or else all. Beside a type, nullable adds null
// (OpenAPI 3.0.3, Schema Object).
func typesOf(v *value) types {
	if t := v.get("type"); t != nil {
		set := typeNames[t.text]
		for _, item := range t.items {
			set |= typeNames[item.text]
		}
		if v.get("nullable").is(true) {
			set |= nulls
		}
		return set
	}
	var spoken types
	for _, m := range v.members {
		spoken |= speaksOf[m.name]
	}
	if spoken == 0 || v.get("enum") != nil || v.get("const") != nil {
		return allTypes
	}
	return spoken
}

// typeOf returns the type of a value.
func typeOf(v *value) types {
	switch v.kind {
	case object:
		return objects
	case array:
		return arrays
	case text:
		return texts
	case boolean:
		return booleans
	case null:
		return nulls
	}
	if d, err := parseDecimal(v); err == nil && d.fraction != "" {
		return fractions
	}
	return integers
}

// typed draws what satisfies all of some schemas, none of which refers or
// chooses any more.
func (c *compiler) typed(from Node, parts []*value) Node {
	c.budget.Spend(8 * len(parts))
	if given, ok := c.given(parts); ok {
		return c.listed(from, given)
	}
	set, silent := allTypes, true
	for _, p := range parts {
		set &= typesOf(p)
		silent = silent && !asserts(p)
	}
	if silent {
		return c.call(from, c.value)
	}
	return c.ofTypes(from, set, parts)
}

// ofTypes draws the values of some types that satisfy all of some schemas.
func (c *compiler) ofTypes(from Node, set types, parts []*value) Node {
	to := c.Node()
	if set&objects != 0 {
		c.Empty(c.object(from, parts), to)
	}
	if set&arrays != 0 {
		c.Empty(c.array(from, parts), to)
	}
	if set&texts != 0 {
		c.Empty(c.text(from, parts), to)
	}
	if set&integers != 0 {
		c.Empty(c.number(from, parts, set&fractions != 0), to)
	}
	if set&booleans != 0 {
		c.Empty(c.Literal(from, "true"), to)
		c.Empty(c.Literal(from, "false"), to)
	}
	if set&nulls != 0 {
		c.Empty(c.Literal(from, "null"), to)
	}
	return to
}
