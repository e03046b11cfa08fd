package schema

import (
	"fmt"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
)

// containersPerLevel bounds the JSON of a schema: objects and lists inside one
// another, per level of the schema.
const containersPerLevel = 8

// measure checks the nesting of a schema as its author counts it: the nesting of
// the text that it describes. The schemas of members and items are one level
// deeper; branches, the maps and lists that hold schemas, and definitions are not.
func measure(v *value, depth, limit int) error {
	if depth > limit {
		return &Fault{v.pointer(), fmt.Errorf("the schema is %w: members and items are nested deeper than %d levels", automaton.ErrTooLarge, limit)}
	}
	for _, m := range v.members {
		var inner []*value
		level := depth
		switch m.name {
		case "properties", "patternProperties":
			inner, level = values(m.value), depth+1
		case "items", "prefixItems":
			if inner = m.items; m.kind != array {
				inner = []*value{m.value}
			}
			level = depth + 1
		case "additionalProperties", "additionalItems":
			inner, level = []*value{m.value}, depth+1
		case "allOf", "anyOf", "oneOf":
			inner = m.items
		case "$defs", "definitions":
			inner, level = values(m.value), 0
		}
		for _, v := range inner {
			if err := measure(v, level, limit); err != nil {
				return err
			}
		}
	}
	return nil
}

// values returns the values of an object's members.
func values(v *value) []*value {
	list := make([]*value, len(v.members))
	for i, m := range v.members {
		list[i] = m.value
	}
	return list
}
