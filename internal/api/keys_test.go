package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// requests have, by path, every key that a route knows, at every depth, with values
// that are served.
var requests = map[string]string{
	"/v1/chat/completions": `{"model":"org/m","messages":[{"role":"system","content":[{"type":"text","text":"s"}]},{"role":"user","content":"x","humor":1},
			{"role":"assistant","content":null,"reasoning_content":"r","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
			{"role":"tool","tool_call_id":"c1","name":"f","content":"y"}],
		"tools":[{"type":"function","function":{"name":"f","description":"d","strict":true,"parameters":{"type":"object"}}}],
		"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}},"parallel_tool_calls":false,
		"attributes":{"quality":3},"stream":true,"stream_options":{"include_usage":true,"include_nodes":true},"n":2,"logprobs":true,"top_logprobs":2,
		"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"array"}}},` + common + `,"max_completion_tokens":7,"max_tokens":7}`,
	"/v1/completions": `{"model":"org/m","prompt":"x","echo":true,"logprobs":1,"best_of":2,"n":2,` + common + `,"max_tokens":7,
		"structured_outputs":{"regex":"a*"},"prompt_logprobs":0}`,
	"/tokenize":   `{"model":"org/m","prompt":"x","add_special_tokens":true}`,
	"/detokenize": `{"model":"org/m","tokens":[5]}`,
	"/v1/responses": `{"model":"org/m","instructions":"i","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"x"}],"humor":1},
			{"type":"reasoning","id":"rs_1","status":"completed","summary":[{"type":"summary_text","text":"s"}],"content":[{"type":"reasoning_text","text":"r"}]},
			{"type":"message","id":"msg_1","status":"completed","phase":"commentary","role":"assistant",
				"content":[{"type":"output_text","text":"a","annotations":[],"logprobs":[]},{"type":"refusal","refusal":"no"}]},
			{"type":"function_call","id":"fc_1","status":"completed","call_id":"c1","name":"f","arguments":"{}"},
			{"type":"function_call_output","id":"fo_1","status":"completed","call_id":"c1","output":[{"type":"input_text","text":"y"}]},
			{"role":"user","content":"z"}],
		"tools":[{"type":"function","name":"f","description":"d","strict":true,"parameters":{"type":"object"}}],
		"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]},"parallel_tool_calls":false,
		"attributes":{"quality":3},"stream":true,"stream_options":{"include_obfuscation":false},"text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"array"}}},
		"metadata":{"a":"b"},"include":["message.output_text.logprobs"],"top_logprobs":2,"truncation":"disabled","background":false,` + common + `,"max_output_tokens":7}`,
	"/v1/messages": `{"model":"org/m","system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"text","text":"x"}],"humor":1},
			{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"text","text":"a"},{"type":"tool_use","id":"c1","name":"f","input":{}}]},
			{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","is_error":true,"content":[{"type":"text","text":"y"}]},{"type":"text","text":"z"}]}],
		"tools":[{"type":"custom","name":"f","description":"d","strict":true,"input_schema":{"type":"object"}}],
		"tool_choice":{"type":"auto","disable_parallel_tool_use":true},"attributes":{"quality":3},"stream":true,
		"thinking":{"type":"disabled"},"output_config":{"format":{"type":"json_schema","schema":{"type":"array"}}},` +
		strings.Replace(common, `"stop"`, `"stop_sequences"`, 1) + `,"max_tokens":7}`,
}

// common are the parameters of package generation.
const common = `"temperature":1,"top_p":0.9,"top_k":5,"min_p":0.1,"typical_p":0.9,"repetition_penalty":1.1,"frequency_penalty":0.1,
	"presence_penalty":0.1,"logit_bias":{"5":1},"min_tokens":1,"seed":7,"stop":["q"],"stop_token_ids":[13],"ignore_eos":false,"cache_salt":"s",
	"priority":1,"timeout":5,"on_missing_expert":"wait","chat_template_kwargs":{}`

// opaque are the keys of objects whose members belong to the client.
var opaque = []string{"schema", "parameters", "input_schema", "metadata", "chat_template_kwargs", "logit_bias", "input"}

// described are the keys of what an answer said of itself. They are accepted when it
// is sent back, and ask for nothing.
var described = []string{"id", "status", "phase", "annotations", "logprobs", "signature"}

// node is an object of a request with its path.
type node struct {
	path    string
	members map[string]any
}

// objects returns the objects of a request that a server knows the keys of.
func objects(path string, v any) []node {
	var out []node
	switch v := v.(type) {
	case map[string]any:
		out = append(out, node{path, v})
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if _, object := v[key].(map[string]any); !object || !slices.Contains(opaque, key) {
				out = append(out, objects(strings.TrimPrefix(path+"."+key, "."), v[key])...)
			}
		}
	case []any:
		for i, one := range v {
			out = append(out, objects(fmt.Sprintf("%s[%d]", path, i), one)...)
		}
	}
	return out
}

// TestEveryKeyIsKnownOrNamedOrRefused walks every key of every route, at every
// depth: an unknown key beside it, and a value of another kind, must be named in the
// answer's header or in an error.
func TestEveryKeyIsKnownOrNamedOrRefused(t *testing.T) {
	b := apitest.New(t, chat.KarakuriTemplate, apitest.Say("{}"))
	serve := func(path string, request any) *httptest.ResponseRecorder {
		body, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		Handler(Config{Config: b.Config}, func() bool { return true }).ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(string(body))))
		return w
	}
	named := func(w *httptest.ResponseRecorder, path string) bool {
		for _, ignored := range w.Header().Values(httpapi.IgnoredHeader) {
			if within(ignored, path) || within(path, ignored) {
				return true
			}
		}
		return w.Code >= 400 && w.Code < 500 && strings.Contains(w.Body.String(), path)
	}
	for path, raw := range requests {
		var request any
		if err := json.Unmarshal([]byte(raw), &request); err != nil {
			t.Fatal(err)
		}
		if w := serve(path, request); w.Code != 200 {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		for _, n := range objects("", request) {
			at := func(key string) string { return strings.TrimPrefix(n.path+"."+key, ".") }
			for _, key := range append(slices.Sorted(maps.Keys(n.members)), "zeta") {
				if slices.Contains(described, key) && n.path != "" {
					continue
				}
				old, known := n.members[key]
				n.members[key] = wrong(old)
				if w := serve(path, request); !named(w, at(key)) {
					t.Errorf("%s: %s of another kind: %d %v %.300s", path, at(key), w.Code, w.Header().Values(httpapi.IgnoredHeader), w.Body)
				}
				if n.members[key] = old; !known {
					delete(n.members, key)
				}
			}
		}
	}
}

// within reports whether a path is that of a member or of something inside it.
func within(path, member string) bool {
	rest, ok := strings.CutPrefix(path, member)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// wrong returns a value of a kind that no key has which has v.
func wrong(v any) any {
	switch v.(type) {
	case bool:
		return "no"
	case string:
		return true
	}
	return false
}
