package responses

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// FuzzRequest: whatever the body, the answer is a response, a stream that ends with
// one, or an error of the client.
func FuzzRequest(f *testing.F) {
	for _, body := range []string{
		`{"input":"x"}`, `{"input":[]}`, `{"input":[{}]}`, `{"input":null}`, `{"input":5,"stream":true}`, `{"input":[{"role":"user","content":"x","humor":4}],"attributes":{"humor":1}}`,
		`{"input":[{"role":"user","content":"x"},{"type":"function_call","call_id":"c","name":"f","arguments":"{"},{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"日本"}]}],"stream":true}`,
		`{"input":[{"type":"reasoning","summary":[{"type":"summary_text","text":"s"}]},{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]},{"role":"user","content":"x"}]}`,
		`{"input":"x","tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{"a":{"enum":["東京"]}}}},{"type":"web_search"},{}],"tool_choice":{"type":"function","name":"f"},"stream":true}`,
		`{"input":"x","tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"}]},"tools":[{"type":"function","name":"f"}]}`,
		`{"input":"x","text":{"format":{"type":"json_schema","name":"n","schema":{"type":"array","items":{"type":"integer"}}}},"include":["message.output_text.logprobs","x"],"top_logprobs":20}`,
		`{"input":"x","instructions":"i","reasoning":{"effort":"low"},"truncation":"auto","max_output_tokens":1,"metadata":{"a":1},"seed":-1,"temperature":2}`,
		`{"input":[{"id":"msg_1"}],"previous_response_id":"r"}`, `{"input":"\ud800"}`, `{"input":"x","input":"y"}`, `[`,
	} {
		f.Add(body)
	}
	b := newBench(f, chat.KarakuriTemplate, `{"tool_calls": [{"name": "f", "arguments": {"a": "東京"}}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		b.Engine.Forget()
		w := b.Post("/v1/responses", body, New(b.Config, plainShape))
		switch {
		case !utf8.Valid(w.Body.Bytes()):
			t.Errorf("%q: %q is not UTF-8", body, w.Body)
		case w.Header().Get("Content-Type") == "text/event-stream":
			events := apitest.Events(t, w.Body.String())
			for i, e := range events {
				var inner struct {
					Type     string
					Sequence int `json:"sequence_number"`
				}
				if err := json.Unmarshal(e.Data, &inner); err != nil || inner.Type != e.Name || inner.Sequence != i {
					t.Errorf("%q: event %d is %q %s", body, i, e.Name, e.Data)
				}
			}
			if last := events[len(events)-1].Name; last != "response.completed" && last != "response.incomplete" && last != "error" {
				t.Errorf("%q: the stream ends with %s", body, last)
			}
		case w.Code != 200 && (w.Code < 400 || w.Code >= 500) || !json.Valid(w.Body.Bytes()):
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
	})
}
