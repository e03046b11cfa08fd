package grammar

import (
	"encoding/json"
	"strings"
	"testing"
)

// says reports whether a text is one of the language.
func says(g *Grammar, text string) bool {
	at := g.machine.Start()
	for i := range len(text) {
		at = g.machine.Step(at, text[i])
	}
	return at.Accepting()
}

// TestCallsHaveTheGapsOfJSONWriters, and no others: a model that does not know the
// format well would fill them with blanks.
func TestCallsHaveTheGapsOfJSONWriters(t *testing.T) {
	c := compiler(t, newMistral(t), DefaultLimits())
	g, err := c.Turn(Turn{Calls: &Calls{
		Begin: `{ "tool_calls": [ { "name": "`, Between: `", "arguments": `, Next: ` }, { "name": "`, End: ` } ] }`, Marker: `{ "tool_calls"`, Many: true,
		Functions: []Function{{"f", json.RawMessage(`{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"}},"b":{}}}`)}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	type arguments struct {
		A []int            `json:"a"`
		B map[string][]int `json:"b"`
	}
	type call struct {
		Name      string    `json:"name"`
		Arguments arguments `json:"arguments"`
	}
	var calls struct {
		All []call `json:"tool_calls"`
	}
	calls.All = []call{{"f", arguments{[]int{1, 2}, map[string][]int{"c": {3}}}}, {"f", arguments{[]int{}, map[string][]int{}}}}
	lines, err := json.MarshalIndent(calls, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	compact := `{"tool_calls":[{"name":"f","arguments":{"a":[1,2],"b":{"c":[]}}}]}`
	spaced := `{"tool_calls": [{"name": "f", "arguments": {"a": [1, 2], "b": {"c": []}}}, {"name": "f", "arguments": {}}]}`
	for _, text := range []string{compact, spaced, string(lines), `{ "tool_calls": [ { "name": "f", "arguments": { "a": [ 1 ] } } ] }`} {
		if !says(g, text) {
			t.Errorf("%s is not accepted", text)
		}
	}
	for name, text := range map[string]string{
		"two blanks":                  strings.Replace(spaced, ": [{", ":  [{", 1),
		"an indent by eight":          strings.ReplaceAll(string(lines), "  ", "        "),
		"a line end behind a colon":   strings.Replace(spaced, ": [1", ":\n[1", 1),
		"a line end before a comma":   strings.Replace(spaced, "}, {", "}\n, {", 1),
		"an indent of no depth":       strings.Replace(compact, `[{"name`, "[\n   {\"name", 1),
		"an indent beyond its depth":  strings.Replace(compact, `[{"name`, "[\n                {\"name", 1),
		"an indent beyond arguments":  strings.Replace(compact, `{"a":[`, "{\n                {\"a\":[", 1),
		"an indent in any value":      strings.Replace(compact, `{"c":`, "{\n                \"c\":", 1),
		"a blank before a colon":      strings.Replace(compact, `"c":`, `"c" :`, 1),
		"a blank before a mark's end": strings.Replace(compact, `"tool_calls":`, `"tool_calls" :`, 1),
	} {
		if says(g, text) {
			t.Errorf("%s is accepted: %s", name, text)
		}
	}
}
