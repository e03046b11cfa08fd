package chat

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// attributeNames are the SteerLM attributes, in the order of the prompt.
var attributeNames = [...]string{"helpfulness", "correctness", "coherence", "complexity", "verbosity", "quality",
	"toxicity", "humor", "creativity"}

// AttributeNames are the names of all attributes, in the order of the prompt.
func AttributeNames() []string { return attributeNames[:] }

// maxAttribute is the highest value; the lowest is 0.
const maxAttribute = 4

// Attributes steer an answer: values from 0 to 4 by name. An attribute that is not
// set has the default of the template.
type Attributes map[string]int

// Merge joins sets of attributes. If several sets have a name, the last wins: a
// request overrides its server by Merge(server, request).
func Merge(sets ...Attributes) Attributes {
	out := Attributes{}
	for _, s := range sets {
		maps.Copy(out, s)
	}
	return out
}

// ParseAttributes reads pairs of the form NAME=VALUE; the last of a name counts.
func ParseAttributes(pairs []string) (Attributes, error) {
	out := Attributes{}
	for _, pair := range pairs {
		name, text, ok := strings.Cut(pair, "=")
		value, err := strconv.Atoi(text)
		if !ok || err != nil {
			return nil, fmt.Errorf("attribute %q, expected NAME=NUMBER", pair)
		}
		out[name] = value
	}
	return out, out.Validate()
}

// Validate returns an error that names an unknown or out-of-range attribute.
func (a Attributes) Validate() error {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if !slices.Contains(attributeNames[:], name) {
			if near := ResembledAttribute(name); near != "" {
				return fmt.Errorf("unknown attribute %q: did you mean %s?", name, near)
			}
			return fmt.Errorf("unknown attribute %q, expected one of %s", name, strings.Join(attributeNames[:], ", "))
		}
		if v := a[name]; v < 0 || v > maxAttribute {
			return fmt.Errorf("attribute %s is %d, expected 0 to %d", name, v, maxAttribute)
		}
	}
	return nil
}
