package api

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

// bodies has the same options of a request as each API writes them. $ is a JSON Schema.
type bodies struct {
	path, start    string
	output, ignore string // structured output, and its name where it is ignored
	outputSchema   string // the path of its schema
	tools          string // f, and g with the schema $
	toolSchema     string // the path of g's schema
	required       string // a call is required
	one, two       string // a call of one function is required; a choice among functions, of which x is none
	said           string // messages that end with a text of the assistant, %; "" is none
}

var everyAPI = []bodies{
	{
		"/v1/chat/completions", `"messages":[{"role":"user","content":"x"}],"max_tokens":9`,
		`"response_format":{"type":"json_schema","json_schema":{"schema":$}}`, "response_format", "response_format.json_schema.schema",
		`"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g","parameters":$}}]`, "tools[1].function.parameters",
		`"tool_choice":"required"`, `"tool_choice":{"type":"function","function":{"name":"f"}}`,
		`"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"g"}},{"type":"function","function":{"name":"x"}}]}}`,
		`"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"%"}]`,
	},
	{
		"/v1/chat/completions", `"messages":[{"role":"user","content":"x"}]`,
		`"structured_outputs":{"json":$}`, "structured_outputs", "structured_outputs.json",
		`"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g","parameters":$}}]`, "tools[1].function.parameters",
		`"tool_choice":"required"`, `"tool_choice":{"type":"function","function":{"name":"f"}}`, "", "",
	},
	{
		"/v1/responses", `"input":"x"`,
		`"text":{"format":{"type":"json_schema","name":"n","schema":$}}`, "text.format", "text.format.schema",
		`"tools":[{"type":"function","name":"f"},{"type":"web_search"},{"type":"function","name":"g","parameters":$}]`, "tools[2].parameters",
		`"tool_choice":"required"`, `"tool_choice":{"type":"function","name":"f"}`,
		`"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"g"},{"type":"function","name":"x"}]}`, "",
	},
	{
		"/v1/messages", `"messages":[{"role":"user","content":"x"}],"max_tokens":9`,
		`"output_config":{"format":{"type":"json_schema","schema":$}}`, "output_config.format", "output_config.format.schema",
		`"tools":[{"name":"f","input_schema":{"type":"object"}},{"type":"bash_20250124","name":"b"},{"name":"g","input_schema":$}]`, "tools[2].input_schema",
		`"tool_choice":{"type":"any"}`, `"tool_choice":{"type":"tool","name":"f"}`, "",
		`"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"%"}],"max_tokens":9`,
	},
}

// counters are the routes that count the tokens of a request to another.
var counters = map[string]string{"/v1/chat/completions": "/tokenize", "/v1/responses": "/v1/responses/input_tokens", "/v1/messages": "/v1/messages/count_tokens"}

// TestNoOptionSilentlyWins: a structured output has no effect on an answer that must be
// calls, and is named; and what contradicts another option is refused by name.
func TestNoOptionSilentlyWins(t *testing.T) {
	w := newWalker(t)
	const object = `{"type":"object"}`
	for _, b := range everyAPI {
		for _, choice := range []string{b.required, b.one} {
			body := strings.Join([]string{b.start, b.output, b.tools, choice}, ",")
			out := w.post(b.path, strings.ReplaceAll(body, "$", object))
			if out.Code != 200 || !slices.Contains(out.Header().Values(httpapi.IgnoredHeader), b.ignore) {
				t.Errorf("%s %s: %d, ignores %q %s", b.path, body, out.Code, out.Header().Values(httpapi.IgnoredHeader), out.Body)
			}
		}
		out := w.post(b.path, strings.ReplaceAll(b.start+","+b.output+","+b.tools, "$", object))
		if slices.Contains(out.Header().Values(httpapi.IgnoredHeader), b.ignore) || out.Code != 200 && !strings.Contains(out.Body.String(), b.outputSchema) {
			t.Errorf("%s: output beside tools: %d, ignores %q %s", b.path, out.Code, out.Header().Values(httpapi.IgnoredHeader), out.Body)
		}
		if b.two != "" {
			out := w.post(b.path, strings.ReplaceAll(b.start+","+b.tools+","+b.two, "$", object))
			if message := refusal.FindStringSubmatch(out.Body.String()); out.Code != 400 || !strings.HasSuffix(message[1], "tools[1].name") && !strings.HasSuffix(message[1], "tools[1].function.name") {
				t.Errorf("%s: a choice of no function: %d %s", b.path, out.Code, out.Body)
			}
		}
	}
	for path, body := range map[string]string{
		"/v1/chat/completions": `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"a","reasoning":"r","reasoning_content":"s"},{"role":"user","content":"x"}]}`,
		"/tokenize":            `{"messages":[{"role":"user","content":"x"}],"add_special_tokens":true}`,
	} {
		if out := w.post(path, body[1:len(body)-1]); out.Code != 400 {
			t.Errorf("%s %s: %d", path, body, out.Code)
		}
	}
}

// TestCountersRefuseWhatRequestsRefuse: counting compiles the schemas of output and tools
// too, and both name the schema at fault.
func TestCountersRefuseWhatRequestsRefuse(t *testing.T) {
	w := newWalker(t)
	for _, schema := range []string{`{"type":"strin"}`, `{"type":"object","properties":{"a":{"if":{}}}}`, `{"type":"object","properties":{"a":false},"required":["a"]}`, `{"type":"integer","minimum":2,"maximum":1}`} {
		for _, b := range everyAPI {
			for _, tt := range []struct{ option, place string }{{b.output, b.outputSchema}, {b.tools, b.toolSchema}} {
				for _, path := range []string{b.path, counters[b.path]} {
					out := w.post(path, strings.ReplaceAll(b.start+","+tt.option, "$", schema))
					if message := refusal.FindStringSubmatch(out.Body.String()); out.Code != 400 || message == nil || message[1] != tt.place {
						t.Errorf("%s with %s at %s: %d %s", path, schema, tt.place, out.Code, out.Body)
					}
				}
			}
		}
	}
}

// TestContinuedTextsMustBeginTheOutput in every API that continues answers.
func TestContinuedTextsMustBeginTheOutput(t *testing.T) {
	w := newWalker(t)
	for _, b := range everyAPI {
		if b.said == "" {
			continue
		}
		for said, code := range map[string]int{`Hello`: 400, `[1, `: 200} {
			for _, path := range []string{b.path, counters[b.path]} {
				body := strings.ReplaceAll(b.said, "%", said) + "," + strings.ReplaceAll(b.output, "$", `{"type":"array"}`)
				if out := w.post(path, body); out.Code != code || code == 400 && !strings.Contains(out.Body.String(), b.outputSchema+" allows no text that begins as") {
					t.Errorf("%s %s: %d %s", path, body, out.Code, out.Body)
				}
			}
		}
	}
}

// TestNoKeyIsNamedByNothing: the empty name is quoted, and a key that is there twice is
// refused wherever it stands.
func TestNoKeyIsNamedByNothing(t *testing.T) {
	w := newWalker(t)
	for _, b := range everyAPI {
		out := w.post(b.path, b.start+`,"":1,"zeta":{"":2}`)
		if got := out.Header().Values(httpapi.IgnoredHeader); out.Code != 200 || !slices.Equal(got, []string{`""`, "zeta"}) {
			t.Errorf("%s: %d, ignores %q", b.path, out.Code, got)
		}
		for _, ignored := range []string{`{"a":1,"a":2}`, `[1,{"b":{"a":1,"\u0061":2}}]`} {
			out := w.post(b.path, b.start+`,"zeta":`+ignored)
			if out.Code != 400 || !strings.Contains(out.Body.String(), "zeta") || !strings.Contains(out.Body.String(), `key \"a\" appears twice`) {
				t.Errorf("%s: %d %s", b.path, out.Code, out.Body)
			}
		}
	}
}

// TestBodiesWithAByteOrderMarkAreRefusedByItsName.
func TestBodiesWithAByteOrderMarkAreRefusedByItsName(t *testing.T) {
	w := newWalker(t)
	for _, b := range everyAPI {
		out := httptest.NewRecorder()
		w.handler.ServeHTTP(out, httptest.NewRequest("POST", b.path, strings.NewReader("\ufeff{"+b.start+"}")))
		if out.Code != 400 || !strings.Contains(out.Body.String(), "byte order mark") {
			t.Errorf("%s: %d %s", b.path, out.Code, out.Body)
		}
	}
}

// TestCallsOfThePastHaveIdsAndNames that are not empty: the results of calls name them.
func TestCallsOfThePastHaveIdsAndNames(t *testing.T) {
	w := newWalker(t)
	chat := func(id, name, result string) string {
		return `"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"` + id + `","type":"function","function":{"name":"` + name + `","arguments":"{}"}}]},{"role":"tool","tool_call_id":"` + result + `","content":"y"}]`
	}
	items := func(id, name, result string) string {
		return `"input":[{"role":"user","content":"x"},{"type":"function_call","call_id":"` + id + `","name":"` + name + `","arguments":"{}"},{"type":"function_call_output","call_id":"` + result + `","output":"y"}]`
	}
	blocks := func(id, name, result string) string {
		return `"max_tokens":5,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"` + id + `","name":"` + name + `","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"` + result + `","content":"y"}]}]`
	}
	for path, body := range map[string]func(id, name, result string) string{"/v1/chat/completions": chat, "/v1/responses": items, "/v1/messages": blocks} {
		if out := w.post(path, body("c", "f", "c")); out.Code != 200 {
			t.Errorf("%s: %d %s", path, out.Code, out.Body)
		}
		for _, bad := range []string{body("", "f", "c"), body("c", "", "c"), body("c", "f", "")} {
			if out := w.post(path, bad); out.Code != 400 || !strings.Contains(out.Body.String(), "is empty: ") {
				t.Errorf("%s %s: %d %s", path, bad, out.Code, out.Body)
			}
		}
	}
}
