package schema

import (
	"slices"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
)

// maxCompareDepth bounds the nesting of compared schemas.
const maxCompareDepth = 16

// exclusive records branches of oneOf that may hold for one value. Without such
// branches oneOf is anyOf, and it is drawn as anyOf.
func (c *compiler) exclusive(choice *value) {
	for i, a := range choice.items {
		for j, b := range choice.items[:i] {
			apart := c.disjoint(a, b, maxCompareDepth)
			if c.compare < 0 {
				c.fault(choice, "the branches are %w to compare: use anyOf", automaton.ErrTooLarge)
				return
			}
			if !apart {
				c.fault(choice, "branches %d and %d are not known to exclude each other: different types, constants or required constants would tell; or use anyOf", j, i)
				return
			}
		}
	}
}

// disjoint reports that no value satisfies both schemas. It may return false
// although none does.
func (c *compiler) disjoint(a, b *value, depth int) bool {
	if a.is(false) || b.is(false) {
		return true
	}
	c.budget.Spend(1)
	if c.compare--; c.compare < 0 || depth == 0 || a.kind != object || b.kind != object {
		return false
	}
	return c.splits(a, b, depth) || c.splits(b, a, depth) || c.differ(a, b) || c.membersDiffer(a, b, depth)
}

// splits follows the reference and the branches of a.
func (c *compiler) splits(a, b *value, depth int) bool {
	apart := func(v *value) bool { return c.disjoint(v, b, depth-1) }
	if ref := a.get("$ref"); ref != nil {
		if target, err := c.doc.resolve(ref.text); err == nil && apart(target) {
			return true
		}
	}
	if all := a.get("allOf"); all != nil && slices.ContainsFunc(all.items, apart) {
		return true
	}
	for _, name := range []string{"anyOf", "oneOf"} {
		if any := a.get(name); any != nil && len(any.items) > 0 && !slices.ContainsFunc(any.items, func(v *value) bool { return !apart(v) }) {
			return true
		}
	}
	return false
}

// differ compares types and listed values.
func (c *compiler) differ(a, b *value) bool {
	if declared(a)&declared(b) == 0 {
		return true
	}
	listA, listB := constants(a), constants(b)
	c.compare -= len(listA) * len(listB)
	if listA == nil || listB == nil || c.compare < 0 {
		return false
	}
	return !slices.ContainsFunc(listA, func(v *value) bool {
		return slices.ContainsFunc(listB, func(o *value) bool { return equal(v, o) })
	})
}

// declared returns the types that a schema names or lists.
func declared(v *value) types {
	set := allTypes
	if v.get("type") != nil {
		set = typesOf(v)
	}
	if list := constants(v); list != nil {
		var listed types
		for _, item := range list {
			listed |= typeOf(item)
		}
		set &= listed
	}
	return set
}

// constants returns the values that a schema lists, nil when it lists none.
func constants(v *value) []*value {
	if single := v.get("const"); single != nil {
		return []*value{single}
	}
	if list := v.get("enum"); list != nil {
		return list.items
	}
	return nil
}

// membersDiffer looks for a member that one schema requires and that cannot
// satisfy both.
func (c *compiler) membersDiffer(a, b *value, depth int) bool {
	if declared(a)&declared(b) != objects {
		return false
	}
	for _, from := range []*value{a, b} {
		required := from.get("required")
		if required == nil {
			continue
		}
		for _, name := range required.items {
			x, y := declaration(a, name.text), declaration(b, name.text)
			if x.is(false) || y.is(false) || x != nil && y != nil && c.disjoint(x, y, depth-1) {
				return true
			}
		}
	}
	return false
}

// declaration returns a schema that a member's value satisfies, nil for none that
// is known.
func declaration(part *value, name string) *value {
	if declared := part.get("properties"); declared != nil {
		if v := declared.get(name); v != nil {
			return v
		}
	}
	if part.get("patternProperties") != nil {
		return nil
	}
	return part.get("additionalProperties")
}
