package role

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// UnknownFieldError is a field of a file that the configuration does not have.
type UnknownFieldError struct {
	Line  int
	Field string   // its path
	Known []string // the paths of all fields
}

func (e *UnknownFieldError) Error() string {
	dot := strings.LastIndexByte(e.Field, '.')
	if dot < 0 {
		return fmt.Sprintf("line %d: unknown field %q", e.Line, e.Field)
	}
	return fmt.Sprintf("line %d: unknown field %q in %s", e.Line, e.Field[dot+1:], e.Field[:dot])
}

// What the YAML library says of a field and of a value, in terms of Go's types.
var (
	unknownField = regexp.MustCompile(`^line (\d+): field (\S+) not found in type `)
	wrongValue   = regexp.MustCompile("^line (\\d+): cannot unmarshal (!!\\S+)(?: `(.*)`)? into (\\S+)$")
)

// wanted describes the values of fields by their types.
var wanted = map[string]string{
	"int": "a whole number", "uint64": "a whole number, not negative", "float64": "a number", "bool": "true or false", "string": "a text", "[]string": "a list of texts",
	"time.Duration": "a duration such as 500ms, 10s or 5m",
}

// plainly rewrites the errors of the YAML library, which speak of Go's types.
func plainly(err error, raw []byte, into any) (out Faults) {
	var types *yaml.TypeError
	if !errors.As(err, &types) {
		return Faults{errors.New(strings.TrimPrefix(err.Error(), "yaml: "))}
	}
	given, known := pathsOf(raw), knownPaths(into)
	for _, text := range types.Errors {
		if m := unknownField.FindStringSubmatch(text); m != nil {
			line, _ := strconv.Atoi(m[1]) // digits
			out = append(out, &UnknownFieldError{Line: line, Field: cmp.Or(given[place{line, m[2]}], m[2]), Known: known})
			continue
		}
		if m := wrongValue.FindStringSubmatch(text); m != nil {
			line, _ := strconv.Atoi(m[1])
			text = fmt.Sprintf("line %d: %s: want %s", line, cmp.Or(strings.TrimSpace(cmp.Or(given[place{line, wrong(m[2], m[3])}], given[place{line, ""}])+" "+quoted(m[3])), "a value of a wrong type"),
				cmp.Or(wanted[m[4]], "a section with fields"))
		}
		out = append(out, errors.New(text))
	}
	return out
}

func quoted(value string) string {
	if value == "" {
		return ""
	}
	return strconv.Quote(value)
}

// place is where a key of a file stands. An empty key is the line's last one.
type place struct {
	line int
	key  string
}

// pathsOf are the paths of the keys of a file.
func pathsOf(raw []byte) map[place]string {
	out := map[place]string{}
	var doc yaml.Node
	if yaml.Unmarshal(raw, &doc) != nil {
		return out // then its faults name lines only
	}
	walkKeys(&doc, "", func(key, value *yaml.Node, path string) {
		out[place{key.Line, key.Value}], out[place{key.Line, ""}] = path, path
		out[place{value.Line, wrong(value.ShortTag(), value.Value)}] = path
	})
	return out
}

// wrong is how the YAML library names a value: by its tag and the first letters of it.
func wrong(tag, value string) string {
	const most = 10
	if len(value) > most {
		value = value[:most-3] + "..."
	}
	return tag + " " + value
}

// knownPaths are the paths of the fields of a configuration.
func knownPaths(config any) (out []string) {
	var doc yaml.Node
	if doc.Encode(config) != nil {
		return nil // then nothing is suggested
	}
	walkKeys(&doc, "", func(_, _ *yaml.Node, path string) { out = append(out, path) })
	slices.Sort(out)
	return out
}

// walkKeys visits the keys of a document with their paths.
func walkKeys(n *yaml.Node, prefix string, visit func(key, value *yaml.Node, path string)) {
	if n.Kind != yaml.MappingNode {
		for _, child := range n.Content {
			walkKeys(child, prefix, visit)
		}
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		path := prefix + n.Content[i].Value
		visit(n.Content[i], n.Content[i+1], path)
		walkKeys(n.Content[i+1], path+".", visit)
	}
}
