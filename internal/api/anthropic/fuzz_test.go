package anthropic

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// FuzzRequest: whatever the body, the answer is a message, a stream of one, a count,
// or an error of the client in Anthropic's shape.
func FuzzRequest(f *testing.F) {
	paths := []string{"/v1/messages", "/v1/messages/count_tokens"}
	for _, body := range []string{
		`{` + user + `,"max_tokens":5}`, `{` + user + `,"max_tokens":5,"stream":true}`, `{"messages":[],"max_tokens":1}`, `{"messages":[{}]}`, `{"max_tokens":0}`,
		`{"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"type":"text","text":"日本"}],"humor":4}],"attributes":{"humor":1},"max_tokens":5}`,
		`{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"redacted_thinking","data":"d"},{"type":"text","text":"a"},{"type":"tool_use","id":"c","name":"f","input":{"a":[1e400]}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":[{"type":"text","text":"y"}],"is_error":true}]}],"max_tokens":50,"stream":true}`,
		`{` + user + `,"tools":[{"name":"f","input_schema":{"type":"object","properties":{"a":{"enum":["東京"]}}}},{"type":"bash_20250124","name":"bash"}],"tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},"max_tokens":500,"stream":true}`,
		`{` + user + `,"stop_sequences":["a",""],"max_tokens":5}`, `{` + user + `,"stop_sequences":["too"],"max_tokens":50,"thinking":{"type":"enabled","budget_tokens":1}}`,
		`{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"It is"}],"max_tokens":50,"output_config":{"format":{"type":"json_schema","schema":{"type":"array"}}}}`,
		`{"messages":[{"role":"user","content":[{"type":"image","source":{}}]}],"max_tokens":1}`, `{` + user + `,"max_tokens":1,"max_tokens":2}`, `"x"`,
	} {
		f.Add(uint8(0), body)
		f.Add(uint8(1), body)
	}
	b := apitest.New(f, chat.KarakuriTemplate, apitest.Say(`{"tool_calls": [{"name": "f", "arguments": {"a": "東京"}}]}`))
	f.Fuzz(func(t *testing.T, path uint8, body string) {
		b.Engine.Forget()
		w := b.Post(paths[int(path)%len(paths)], body, New(b.Config))
		switch {
		case !utf8.Valid(w.Body.Bytes()):
			t.Errorf("%q: %q is not UTF-8", body, w.Body)
		case w.Header().Get("Content-Type") == "text/event-stream":
			events := apitest.Events(t, w.Body.String())
			for _, e := range events {
				var inner struct{ Type string }
				if err := json.Unmarshal(e.Data, &inner); err != nil || inner.Type != e.Name {
					t.Errorf("%q: the event %q has the data %s", body, e.Name, e.Data)
				}
			}
			if last := events[len(events)-1].Name; last != "message_stop" && last != "error" {
				t.Errorf("%q: the stream ends with %s", body, last)
			}
		case w.Code >= 400 && w.Code < 500:
			readError(t, w)
		case w.Code != 200 || !json.Valid(w.Body.Bytes()):
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
	})
}
