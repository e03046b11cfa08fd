package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
)

var limits = Limits{Bytes: 1 << 18, Depth: 64, States: 1 << 16, Steps: 1 << 24, Indent: 4}

// oracle is another implementation of JSON Schema, which judges what is written.
func oracle(source string) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(source))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	for _, name := range []string{"regex", "json-pointer", "relative-json-pointer", "uri-reference", "uri-template", "iri", "iri-reference", "period", "semver"} {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(any) error { return nil }}) // annotations
	}
	if err := c.AddResource("schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("schema.json")
}

func judge(s *jsonschema.Schema, text string) error {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

func machine(p *automaton.Program) (*automaton.Machine, error) {
	return automaton.NewMachine(p, automaton.Limits{Nesting: 6, Readings: 64, Sets: 512}, 0)
}

// end returns the shortest way to the end of a text.
func end(m *automaton.Machine, s automaton.Text) (string, error) {
	type place struct {
		s    automaton.Text
		text string
	}
	seen := map[*automaton.Set]bool{}
	for queue := []place{{s, ""}}; len(queue) > 0 && len(seen) < 20000; queue = queue[1:] {
		at := queue[0]
		if at.s.Accepting() {
			return at.text, nil
		}
		for b := range 256 {
			if next, ok := m.Read(at.s, []byte{byte(b)}); ok && !seen[next.Set] {
				seen[next.Set] = true
				queue = append(queue, place{next, at.text + string([]byte{byte(b)})})
			}
		}
	}
	return "", errors.New("no end")
}

// walk writes a text by random steps that are allowed, then by the shortest way
// to its end.
func walk(m *automaton.Machine, r *rand.Rand) (string, error) {
	var out []byte
	for s := m.Begin(); ; {
		var allowed []byte
		for b := range 256 {
			if _, ok := m.Read(s, []byte{byte(b)}); ok {
				allowed = append(allowed, byte(b))
			}
		}
		if (len(allowed) > 0) != s.Open() {
			return "", fmt.Errorf("%q: open is %v, and %d bytes may follow", out, s.Open(), len(allowed))
		}
		if len(allowed) == 0 && !s.Accepting() {
			return "", fmt.Errorf("%q: nothing may follow", out)
		}
		if s.Accepting() && (len(allowed) == 0 || r.IntN(4) == 0) {
			return string(out), nil
		}
		b := allowed[r.IntN(len(allowed))]
		for _, end := range []byte(`"]}`) {
			if slices.Contains(allowed, end) && (r.IntN(3) == 0) {
				b = end
			}
		}
		if len(out) > 400 {
			rest, err := end(m, s)
			return string(out) + rest, err
		}
		out = append(out, b)
		s, _ = m.Read(s, []byte{b})
	}
}

// written texts are JSON in UTF-8, and satisfy the schema.
func checkWalks(t *testing.T, source string, p *automaton.Program, walks int) {
	t.Helper()
	s, err := oracle(source)
	if err != nil {
		t.Fatalf("%s: the oracle: %v", source, err)
	}
	m, err := machine(p)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	for seed := range uint64(walks) {
		text, err := walk(m, rand.New(rand.NewPCG(seed, 8)))
		if err != nil {
			t.Errorf("%s: seed %d: %v", source, seed, err)
			return
		}
		if !utf8.ValidString(text) || !json.Valid([]byte(text)) {
			t.Errorf("%s: seed %d: not JSON: %q", source, seed, text)
			return
		}
		if err := judge(s, text); err != nil {
			t.Errorf("%s: seed %d: %q: %v", source, seed, text, err)
			return
		}
	}
}

// checkSample compares an automaton and the oracle on the texts of a sample.
func checkSample(t *testing.T, tt sample, p *automaton.Program) {
	t.Helper()
	s, err := oracle(tt.schema)
	if err != nil {
		t.Fatal(err)
	}
	m, err := machine(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range tt.accepted {
		if err := judge(s, text); err != nil {
			t.Errorf("%s: the oracle says: %v", text, err)
		}
		if !accepts(m, text) {
			t.Errorf("%s is not accepted", text)
		}
	}
	for _, text := range tt.invalid {
		if judge(s, text) == nil {
			t.Errorf("%s: the oracle says it is valid", text)
		}
		if accepts(m, text) {
			t.Errorf("%s is accepted", text)
		}
	}
	for _, text := range tt.otherwise {
		if err := judge(s, text); err != nil {
			t.Errorf("%s: the oracle says: %v", text, err)
		}
		if accepts(m, text) {
			t.Errorf("%s is accepted", text)
		}
	}
}

// TestBoundsNeedFewStates: neither a bound beyond what an answer can reach nor a high
// one makes a schema too large.
func TestBoundsNeedFewStates(t *testing.T) {
	for _, tt := range boundCorpus {
		p, err := Compile([]byte(tt.schema), limits)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if p.States() > limits.States/8 {
			t.Errorf("%s: %d states", tt.name, p.States())
		}
		checkSample(t, tt, p)
	}
}

// TestToolsOfTheField: the parameters of real tools are obeyed, or refused by keyword
// and place. No keyword is dropped.
func TestToolsOfTheField(t *testing.T) {
	for _, tt := range toolCorpus {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Compile([]byte(tt.schema), limits)
			if tt.pointer != "" {
				var f *Fault
				keyword := tt.pointer[strings.LastIndex(tt.pointer, "/")+1:]
				if !errors.As(err, &f) || f.Pointer != tt.pointer || !strings.Contains(err.Error(), keyword) {
					t.Errorf("%v, want a fault at %s that names %s", err, tt.pointer, keyword)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(tt.schema, "(?!") { // the oracle reads no look-ahead; TestSmallDocuments has it
				m, err := machine(p)
				if err != nil || !accepts(m, tt.arguments) || accepts(m, tt.wrong) {
					t.Errorf("%s is not accepted, or %s is, or %v", tt.arguments, tt.wrong, err)
				}
				return
			}
			checkSample(t, sample{tt.name, tt.schema, []string{tt.arguments}, []string{tt.wrong}, nil}, p)
			checkWalks(t, tt.schema, p, 20)
		})
	}
}

func TestCorpus(t *testing.T) {
	for _, tt := range corpus {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Compile([]byte(tt.schema), limits)
			if err != nil {
				t.Fatal(err)
			}
			checkSample(t, tt, p)
			checkWalks(t, tt.schema, p, 60)
		})
	}
}

func TestObject(t *testing.T) {
	p, err := Object(limits)
	if err != nil {
		t.Fatal(err)
	}
	m, err := machine(p)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		`{}`: true, `{ }`: true, "{\n}": true, `{"a":1}`: true, `{"a": [1, -2.5e-3, {"b": null}], "": "\u00e9\ud83d\ude00日本"}`: true,
		"{\n  \"a\": 1,\n  \"b\": [\n    true\n  ]\n}": true,
		`[]`: false, `1`: false, ``: false, `{"a":1,}`: false, `{a:1}`: false, `{"a" :1}`: false, `{"a":01}`: false, `{"a":"\ud800"}`: false,
		"{\"a\":\"\t\"}": false, "{\"a\":\"\xff\"}": false, `{"a":1} `: false, ` {}`: false, `{  }`: false, `{"a":1e999}`: false,
		`{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}`: true, `{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}`: false,
	} {
		if accepts(m, text) != want {
			t.Errorf("%q is %v", text, !want)
		}
	}
	checkWalks(t, `{"type":"object"}`, p, 200)
}

// nest puts brackets around brackets.
func nest(n int, open, end string) string {
	return strings.Repeat(open, n) + "true" + strings.Repeat(end, n)
}

// TestFaults: what is not supported is refused, by name and place.
func TestFaults(t *testing.T) {
	long := nest(64*containersPerLevel, `[`, `]`)
	doubling := `{"$ref":"#/$defs/a0","$defs":{`
	for i := range 20 {
		doubling += fmt.Sprintf(`"a%d":{"type":"object","properties":{"x":{"allOf":[{"$ref":"#/$defs/a%d"},{}]},"y":{"allOf":[{"$ref":"#/$defs/a%d"},{"title":"z"}]}}},`, i, i+1, i+1)
	}
	doubling += `"a20":{}}}`
	tests := []struct{ schema, pointer, want string }{
		{`{"not":{"type":"string"}}`, "/not", "other negations are not supported"},
		{`{"properties":{"a":{"if":{}}}}`, "/properties/a/if", "if is not supported"},
		{`{"properties":{"a/b~c":{"prefixItems":[{"type":"string"}],"uniqueItems":true}}}`, "/properties/a~1b~0c/uniqueItems", "items of at most 256 listed values"},
		{`{"type":"array","items":{"type":"object","additionalProperties":{"type":"string"}},"uniqueItems":true}`, "/items", "names are free"},
		{`{"type":"array","items":{"anyOf":[{"enum":[[1]]},{"type":"string"}]},"uniqueItems":true}`, "/items/anyOf/0/enum/0", "listed items"},
		{`{"type":"array","items":{"type":"object","properties":{"a":{"type":"boolean"}},"required":["a"],"additionalProperties":false},"uniqueItems":true,"minItems":3}`, "", "fewer than 3"},
		{`{"type":"array","items":{"type":"boolean"},"uniqueItems":true,"minItems":3}`, "", "no text can satisfy"},
		{`{"type":"array","uniqueItems":1}`, "/uniqueItems", "true or false"},
		{`{"type":"object","patternProperties":{"(?<=a)b":{}}}`, "/patternProperties/(?<=a)b", "look-around"},
		{`{"type":"object","properties":{"a\u2028":{}},"patternProperties":{".":{}}}`, "/patternProperties/.", "disagree"},
		{`{"type":"object","patternProperties":[]}`, "/patternProperties", "an object of schemas"},
		{`{"type":"integer","multipleOf":4093}`, "", "the limit is 2048"},
		{`{"type":"integer","multipleOf":0}`, "/multipleOf", "a number above 0"},
		{`{"type":"integer","multipleOf":-2}`, "/multipleOf", "a number above 0"},
		{`{"type":"object","minProperties":2,"maxProperties":1}`, "", "minProperties is 2 and maxProperties is 1"},
		{`{"type":"object","properties":{"a":{}},"minProperties":2}`, "", "no text can satisfy"},
		{`{"type":"object","required":["a","b"],"maxProperties":1}`, "", "no text can satisfy"},
		{`{"type":"object","required":["a"],"propertyNames":{"minLength":2}}`, "", "no text can satisfy"},
		{`{"type":"object","propertyNames":{"not":{"const":"a"}}}`, "/propertyNames/not", "not supported"},
		{`{"type":"object","propertyNames":{"pattern":"a\\b"}}`, "/propertyNames/pattern", "word boundaries"},
		{`{"type":"object","dependentRequired":{"a":"b"}}`, "/dependentRequired", "lists of names"},
		{`{"type":"object","dependentRequired":{"a":["z"],"b":["z"],"c":["z"],"d":["z"],"e":["z"],"f":["z"],"g":["z"]}}`, "/dependentRequired", "the limit is 6"},
		{`{"type":"string","nullable":"yes"}`, "/nullable", "true or false"},
		{nest(65, `{"type":"object","properties":{"a":`, `}}`), "", "deeper than 64 levels"},
		{nest(65, `{"type":"array","items":`, `}`), "", "deeper than 64 levels"},
		{`{"tpye":"object"}`, "/tpye", "tpye is not supported"},
		{`{"type":"objekt"}`, "/type", "the name of a type"},
		{`{"type":["string",5]}`, "/type", "the name of a type"},
		{`{"required":"a"}`, "/required", "a list of names"},
		{`{"minItems":-1}`, "/minItems", "a whole number"},
		{`{"maxLength":1e9}`, "/maxLength", "a whole number"},
		{`{"minLength":1000000000000}`, "/minLength", "the limit is"},
		{`{"minLength":3,"maxLength":2}`, "", "minLength is 3 and maxLength is 2"},
		{`{"minimum":"1"}`, "/minimum", "a number"},
		{`{"minimum":1e-300}`, "/minimum", "a number of at most 17 digits"},
		{`{"minimum":1e99999999999}`, "/minimum", "a number"},
		{`{"type":"integer","exclusiveMinimum":1,"exclusiveMaximum":2}`, "", "no text can satisfy"},
		{`{"type":"integer","minimum":1e18}`, "", "no text can satisfy"},
		{`{"enum":[]}`, "/enum", "not empty"},
		{`{"type":"string","enum":[1,2]}`, "", "none of the listed values"},
		{`{"const":1,"enum":[2]}`, "", "none of the listed values"},
		{`{"type":"string","pattern":"a\\b"}`, "/pattern", "word boundaries"},
		{`{"type":"string","pattern":"(?<!a)b"}`, "/pattern", "look-around"},
		{`{"type":"string","pattern":"a(?!\ufdd0)"}`, "/pattern", "noncharacters"},
		{`{"type":"string","pattern":"a(?!\\u{FDEF})"}`, "/pattern", "noncharacters"},
		{`{"type":"string","pattern":"` + strings.Repeat("(?!a)", 33) + `"}`, "/pattern", "more than 32"},
		{`{"type":"string","pattern":"^(?!a"}`, "/pattern", "without )"},
		{`{"type":"string","pattern":"^(?=a)*b"}`, "/pattern", "repeated"},
		{`{"type":"string","pattern":"^(?=(?<=a))b"}`, "/pattern", "look-around"},
		{`{"type":"string","pattern":"(a)\\1"}`, "/pattern", `escape \1`},
		{`{"type":"string","pattern":"\\A"}`, "/pattern", `escape \A`},
		{`{"type":"string","pattern":"(?i)a"}`, "/pattern", "groups"},
		{`{"type":"string","pattern":"["}`, "/pattern", "missing closing ]"},
		{`{"type":"string","pattern":"^(?:a|b)*a(?:a|b){30}$"}`, "/pattern", "too large"},
		{`{"oneOf":[{"type":"string"},{"type":"number"},{"type":"integer"}]}`, "/oneOf", "branches 1 and 2"},
		{`{"oneOf":[{"properties":{"a":{"const":1}}},{"properties":{"a":{"const":2}}}]}`, "/oneOf", "branches 0 and 1"},
		{`{"oneOf":[{"anyOf":[{"type":"string"},{"type":"integer"}]},{"type":"integer"}]}`, "/oneOf", "branches 0 and 1"},
		{`{"oneOf":[{"type":["object","string"],"properties":{"a":{"const":1}},"required":["a"]},{"type":["object","string"],"properties":{"a":{"const":2}},"required":["a"]}]}`, "/oneOf", "branches 0 and 1"},
		{`{"oneOf":[{"type":"number","const":1},{"type":"number","const":1.0}]}`, "/oneOf", "branches 0 and 1"},
		{`{"$ref":"#/$defs/a"}`, "/$ref", "names nothing"},
		{`{"$ref":"other.json"}`, "/$ref", "within the schema"},
		{`{"$ref":"#a"}`, "/$ref", "within the schema"},
		{`{"$ref":"#"}`, "", "leads to itself"},
		{`{"anyOf":[{"$ref":"#"},{"type":"null"}]}`, "", "leads to itself"},
		{`{"allOf":[{"$ref":"#"}]}`, "", "refers to itself"},
		{`{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}`, "", "leads to itself"},
		{`{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}`, "", "no text can satisfy"},
		{`{"type":"object","properties":{"a":false},"required":["a"]}`, "", "no text can satisfy"},
		{`false`, "", "no text can satisfy"},
		{`{"properties":{"a":{"$id":"x"}}}`, "/properties/a/$id", "at the top"},
		{`{"properties":{"a":5}}`, "/properties/a", "not a schema"},
		{`{"properties":{"a":{},"a":{}}}`, "/properties/a", "twice"},
		{`5`, "", "not a schema"},
		{`{`, "", "not JSON"},
		{`{} {}`, "", "more than one"},
		{`{"default":` + long + `}`, "", "are inside one another"},
		{`{"description":"` + strings.Repeat("x", 1<<18) + `"}`, "", "bytes, the limit"},
		{`{"anyOf":[{"type":"object","properties":{"a":{"anyOf":[{"minLength":1},{"$ref":"#"}]}},"allOf":[{"anyOf":[{"$ref":"#"},{"title":"x"}]}]}]}`, "", "too large"},
		{`{"type":"string","pattern":"^a*b*c*$","minLength":65000}`, "", "too large"},
	}
	for _, tt := range tests {
		_, err := Compile([]byte(tt.schema), limits)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.120s: %v, expected %q", tt.schema, err, tt.want)
			continue
		}
		var f *Fault
		if !errors.As(err, &f) {
			t.Errorf("%.120s: %T, expected a Fault", tt.schema, err)
		} else if tt.pointer != "" && f.Pointer != tt.pointer {
			t.Errorf("%.120s: at %q, expected %q", tt.schema, f.Pointer, tt.pointer)
		}
	}
	if _, err := Compile([]byte(doubling), limits); err != nil {
		t.Errorf("references that double: %v", err)
	}
	_, err := Compile([]byte(`{"properties":{"a":{"not":{"const":1}},"b":{"if":{},"then":{}}}}`), limits)
	for _, want := range []string{"/properties/a/not: ", "/properties/b/if: ", "/properties/b/then: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("all faults at once: %v, expected %q", err, want)
		}
	}
}

// TestHostile: schemas made to cost much are refused, or cost little; this test
// takes seconds if one is not.
func TestHostile(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles schemas as large as the limits: skipped by -short")
	}
	repeat := func(n int, format string) string {
		var list []string
		for i := range n {
			list = append(list, strings.ReplaceAll(format, "%d", fmt.Sprint(i)))
		}
		return strings.Join(list, ",")
	}
	nested := `{"type":"string"}`
	for range 11 {
		nested = `{"oneOf":[` + nested + `,` + nested + `]}`
	}
	anyOf := `{"type":"string"}`
	for range 30 {
		anyOf = `{"anyOf":[{"$ref":"#/$defs/x"},{"properties":{"a":` + anyOf + `}}]}`
	}
	for name, source := range map[string]string{
		"long names":  `{"properties":{"` + strings.Repeat("x", 1<<17) + `":{"type":"array","prefixItems":[` + repeat(3000, `{"minItems":2,"items":{}}`) + `]}}}`,
		"properties":  `{"properties":{` + repeat(20000, `"%d":{}`) + `}}`,
		"enums":       `{"allOf":[{"enum":[` + repeat(20000, `%d`) + `]},{"enum":[` + repeat(20000, `%d.5`) + `]}]}`,
		"oneOf":       `{"oneOf":[` + repeat(10000, `{"const":%d}`) + `]}`,
		"oneOf, deep": nested,
		"anyOf, deep": anyOf[:len(anyOf)-1] + `,"$defs":{"x":{"allOf":[{"anyOf":[{},{"title":"x"}]},{"anyOf":[{},{"title":"y"}]}]}}}`,
		"choices":     `{"allOf":[` + repeat(20, `{"anyOf":[{"minLength":1},{"maxLength":%d}]}`) + `]}`,
		"patterns":    `{"type":"string","allOf":[` + repeat(20, `{"pattern":"^(a|b)*a(a|b){%d}$"}`) + `]}`,
		"repeats":     `{"type":"string","pattern":"((\\p{L}{10}.?){10}x?){1,9}"}`,
		"names":       `{"$ref":"#/$defs/a","$defs":{"a":{"type":"object","patternProperties":{` + repeat(8, `"^.{%d}(a|b)*c":{"allOf":[{"$ref":"#/$defs/a"},{"title":"x"}]}`) + `},"additionalProperties":{"allOf":[{"$ref":"#/$defs/a"},{"minProperties":2}]}}}}`,
		"dependents":  `{"type":"object","properties":{` + repeat(6, `"%d":{"type":"object","properties":{`+repeat(6, `"%d":{"type":"array"}`)+`},"dependentRequired":{`+repeat(6, `"%d":["5"]`)+`}}`) + `},"dependentRequired":{` + repeat(6, `"%d":["0"]`) + `}}`,
		"unique":      `{"type":"object","properties":{` + repeat(40, `"%d":{"type":"array","items":{"type":"integer","minimum":0,"maximum":250},"uniqueItems":true,"maxItems":200}`) + `}}`,
		"multiples":   `{"type":"object","properties":{` + repeat(40, `"%d":{"type":"number","multipleOf":20.47,"minimum":-1e9,"maximum":%d}`) + `}}`,
		"few names":   `{"type":"object","propertyNames":{"pattern":"^a{9000}(b|c)$"},"minProperties":1}`,
		"lists":       `{"enum":[` + repeat(9000, `%d`) + `],"type":"string","allOf":[` + repeat(16, `{"anyOf":[{"title":"a"},{"title":"b%d"}]}`) + `]}`,
		"parts":       `{"allOf":[` + repeat(9000, `{}`) + `,` + repeat(16, `{"anyOf":[{"title":"a"},{"title":"b%d"}]}`) + `],"minLength":1}`,
		"name tables": `{"type":"object","properties":{` + repeat(4000, `"a rather long name %d":{}`) + `},"patternProperties":{` + repeat(60, `"^a rather.*%d":{}`) + `}}`,
		"many looks":  `{"type":"object","properties":{` + repeat(400, `"%d":{"type":"string","pattern":"(\\p{L}|[0-9]){2,9}%d$"}`) + `}}`,
		"lengths":     `{"type":"object","properties":{` + repeat(300, `"%d":{"type":"string","minLength":30000}`) + `}}`,
	} {
		p, err := Compile([]byte(source), limits)
		if err != nil && len(err.Error()) > 1<<13 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
		if err == nil && p.States() > limits.States {
			t.Errorf("%s: %d states", name, p.States())
		}
		if err != nil {
			t.Logf("%s: %.200v", name, err)
		}
	}
}

// TestBudgetBoundsTheWork: what a schema costs in all is bounded, not only each of
// its parts.
func TestBudgetBoundsTheWork(t *testing.T) {
	var parts []string
	for i := range 40 {
		parts = append(parts, fmt.Sprintf(`"%d":{"type":"string","pattern":"^(a|b)*c{%d}$"}`, i, i+1))
	}
	source := []byte(`{"type":"object","properties":{` + strings.Join(parts, ",") + `}}`)
	if _, err := Compile(source, limits); err != nil {
		t.Error(err)
	}
	tight := limits
	tight.Steps = 1 << 14
	if _, err := Compile(source, tight); !errors.Is(err, automaton.ErrTooLarge) {
		t.Errorf("with %d steps: %v", tight.Steps, err)
	}
	if _, err := Compile([]byte(`{"type":"object","properties":{`+parts[0]+`}}`), tight); err != nil {
		t.Errorf("a part of it: %v", err)
	}
}

// TestSameAgain: compiling is a function of the schema.
func TestSameAgain(t *testing.T) {
	for _, tt := range corpus {
		a, errA := Compile([]byte(tt.schema), limits)
		b, errB := Compile([]byte(tt.schema), limits)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%s: two automata", tt.name)
		}
	}
}

// FuzzCompile: no schema makes the compiler fail, and what is written satisfies
// it.
func FuzzCompile(f *testing.F) {
	for _, tt := range corpus {
		f.Add(tt.schema, uint64(1))
	}
	small := Limits{Bytes: 1 << 12, Depth: 16, States: 1 << 11, Steps: 1 << 20, Indent: 1}
	f.Fuzz(func(t *testing.T, source string, seed uint64) {
		p, err := Compile([]byte(source), small)
		if err != nil {
			return
		}
		s, err := oracle(source)
		if err != nil {
			return // stricter than we are: URIs of $id, Unicode escapes in patterns
		}
		m, err := machine(p)
		if err != nil {
			return
		}
		for i := range uint64(4) {
			text, err := walk(m, rand.New(rand.NewPCG(seed, i)))
			if err != nil {
				t.Fatalf("%s: %v", source, err)
			}
			if err := judge(s, text); err != nil {
				t.Fatalf("%s: %q: %v", source, text, err)
			}
		}
	})
}
