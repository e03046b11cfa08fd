package schema

import (
	"encoding/json"
	"os"
	"testing"
)

// TestSmallDocuments: of small documents, exactly those are accepted that
// jsonschema for Python finds valid. testdata/validator.py writes the file.
func TestSmallDocuments(t *testing.T) {
	source, err := os.ReadFile("testdata/validator.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Schema    json.RawMessage
		Documents [][2]any // the text, and whether it is valid
	}
	if err := json.Unmarshal(source, &cases); err != nil {
		t.Fatal(err)
	}
	for _, tt := range cases {
		p, err := Compile(tt.Schema, limits)
		if err != nil {
			t.Errorf("%s: %v", tt.Schema, err)
			continue
		}
		m, err := machine(p)
		if err != nil {
			t.Fatalf("%s: %v", tt.Schema, err)
		}
		for _, d := range tt.Documents {
			if text := d[0].(string); accepts(m, text) != d[1] {
				t.Errorf("%s: %s: valid is %v, accepted is %v", tt.Schema, text, d[1], !d[1].(bool))
			}
		}
	}
	if len(cases) < 20 {
		t.Errorf("%d schemas, expected at least 20", len(cases))
	}
}

// TestDepthIsCountedAsTheAuthorDoes: branches, maps and definitions are no levels.
func TestDepthIsCountedAsTheAuthorDoes(t *testing.T) {
	for name, source := range map[string]string{
		"members":     nest(64, `{"type":"object","properties":{"a":`, `}}`),
		"optional":    nest(40, `{"anyOf":[{"type":"null"},{"type":"object","properties":{"a":`, `}}]}`),
		"items":       nest(64, `{"type":"array","items":`, `}`),
		"definitions": `{"$ref":"#/$defs/a","$defs":{"a":` + nest(60, `{"type":"array","items":`, `}`) + `}}`,
	} {
		p, err := Compile([]byte(source), limits)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := machine(p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNullable: null is added to a type that is named, as in OpenAPI 3.0.
func TestNullable(t *testing.T) {
	for _, tt := range []struct {
		schema            string
		accepted, refused []string
	}{
		{`{"type":"string","nullable":true}`, []string{`"a"`, `null`}, []string{`1`}},
		{`{"type":"string","nullable":false}`, []string{`"a"`}, []string{`null`}},
		{`{"type":"string","enum":["a",null],"nullable":true}`, []string{`"a"`, `null`}, []string{`"b"`}},
		{`{"type":"string","enum":["a"],"nullable":true}`, []string{`"a"`}, []string{`null`}},
		{`{"type":"object","properties":{"a":{"type":"integer","nullable":true}},"required":["a"]}`, []string{`{"a":null}`, `{"a":1}`}, []string{`{}`}},
		{`{"allOf":[{"type":"integer","nullable":true},{"type":"integer"}]}`, []string{`1`}, []string{`null`}},
		{`{"oneOf":[{"type":"string"},{"type":"integer","nullable":true}]}`, []string{`"a"`, `1`, `null`}, []string{`true`}},
	} {
		p, err := Compile([]byte(tt.schema), limits)
		if err != nil {
			t.Errorf("%s: %v", tt.schema, err)
			continue
		}
		m, err := machine(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range tt.accepted {
			if !accepts(m, text) {
				t.Errorf("%s: %s is refused", tt.schema, text)
			}
		}
		for _, text := range tt.refused {
			if accepts(m, text) {
				t.Errorf("%s: %s is accepted", tt.schema, text)
			}
		}
	}
}
