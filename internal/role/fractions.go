package role

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fractions are the faults of numbers in a document that are not whole, where a
// configuration has integers: the decoder would cut them.
func fractions(n *yaml.Node, t reflect.Type, path string) (out Faults) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Kind == yaml.DocumentNode:
		return fractions(n.Content[0], t, path)
	case reflect.PointerTo(t).Implements(reflect.TypeFor[yaml.Unmarshaler]()):
		return nil
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if f, ok := fieldNamed(t, n.Content[i].Value); ok {
				out = append(out, fractions(n.Content[i+1], f, strings.TrimPrefix(path+"."+n.Content[i].Value, "."))...)
			}
		}
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, one := range n.Content {
			out = append(out, fractions(one, t.Elem(), path)...)
		}
	case n.ShortTag() == "!!float" && reflect.Int <= t.Kind() && t.Kind() <= reflect.Uint64:
		if x, err := strconv.ParseFloat(n.Value, 64); err != nil || x != math.Trunc(x) {
			return Faults{fmt.Errorf("line %d: %s %q: want a whole number", n.Line, path, n.Value)}
		}
	}
	return out
}

// fieldNamed is the type of the field of a section that has a name in files.
func fieldNamed(section reflect.Type, name string) (reflect.Type, bool) {
	for f := range section.Fields() {
		tag, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if tag == name {
			return f.Type, true
		}
		if inline := f.Type; strings.Contains(options, "inline") && inline.Kind() == reflect.Struct {
			if found, ok := fieldNamed(inline, name); ok {
				return found, true
			}
		}
	}
	return nil, false
}
