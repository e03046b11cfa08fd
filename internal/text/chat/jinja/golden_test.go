package jinja

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// goldens are what Python's jinja2 makes; see testdata/goldens.py.
type goldens struct {
	Variables json.RawMessage
	Goldens   []struct {
		Template string
		Output   *string // nil where jinja2 refuses
	}
}

func readGoldens(t testing.TB) (goldens, map[string]any) {
	t.Helper()
	b, err := os.ReadFile("testdata/goldens.json")
	if err != nil {
		t.Fatal(err)
	}
	var g goldens
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(g.Variables))
	d.UseNumber()
	variables := map[string]any{}
	for k, v := range fromJSON(t, d).(*Dict).values {
		variables[k] = v
	}
	return g, variables
}

// fromJSON reads a value with the keys of its objects in order.
func fromJSON(t testing.TB, d *json.Decoder) any {
	t.Helper()
	token, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch v := token.(type) {
	case json.Delim:
		out, object := List{}, &Dict{}
		for d.More() {
			if v == '[' {
				out = append(out, fromJSON(t, d))
			} else {
				key := fromJSON(t, d).(Text)
				object.Set(key, fromJSON(t, d))
			}
		}
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
		if v == '[' {
			return out
		}
		return object
	case string:
		return Data(v, 1)
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, err := v.Float64()
		if err != nil {
			t.Fatal(err)
		}
		return f
	default:
		return v
	}
}

const steps = 1 << 20

func render(source string, variables map[string]any) (Text, error) {
	parsed, err := Parse(source)
	if err != nil {
		return nil, err
	}
	return parsed.Render(variables, steps)
}

// differs lists what is not as in Python, and why. All but those that are
// marked fail instead of writing something else.
var differs = map[string]string{
	"{% for i in [1, 2] recursive %}{{ i }}{% endfor %}":       "recursive loops are not supported",
	"{% block x %}{% endblock %}":                              "there is nothing to inherit from",
	"{% if no %}{{ x|nosuch }}{% endif %}fine":                 "unknown filters are found while parsing, not when they are reached",
	"{% macro m(a) %}{{ a }}{% endmacro %}{{ m(**{'a': 1}) }}": "no mapping is unpacked",
	"{{ '%s' % 'a' }}":                                         "formatting is not supported",
	"{{ {1: 2} }}":                                             "keys are texts",
	"{{ text.format() }}":                                      "formatting is not supported",
	"{{ text.encode() }}":                                      "there are no bytes",
	"{{ n.real }}":                                             "written: numbers have no attributes",
	"{{ person.items() }}":                                     "written: a view of a mapping is a list",
	"{{ self }}":                                               "written: there is nothing to inherit from",
}

func TestAsJinja2(t *testing.T) {
	g, variables := readGoldens(t)
	if len(g.Goldens) < 600 {
		t.Fatalf("%d goldens", len(g.Goldens))
	}
	for _, e := range g.Goldens {
		got, err := render(e.Template, variables)
		if why, ok := differs[e.Template]; ok {
			if same := err == nil && e.Output != nil && got.String() == *e.Output; same || err == nil && !strings.HasPrefix(why, "written: ") {
				t.Errorf("%q: wrote %q, want a difference: %s", e.Template, got.String(), why)
			}
			continue
		}
		switch {
		case e.Output == nil && err == nil:
			t.Errorf("%q: wrote %q, want an error", e.Template, got.String())
		case e.Output != nil && err != nil:
			t.Errorf("%q: error %v, want %q", e.Template, err, *e.Output)
		case e.Output != nil && got.String() != *e.Output:
			t.Errorf("%q: wrote %q, want %q", e.Template, got.String(), *e.Output)
		}
	}
}
