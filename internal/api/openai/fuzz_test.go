package openai

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
)

// FuzzRequest: whatever the body, the answer is a success or an error of
// OpenAI's shape, and the server's own fault only when the engine's is.
func FuzzRequest(f *testing.F) {
	paths := []string{"/v1/chat/completions", "/v1/completions", "/tokenize", "/detokenize"}
	for path, bodies := range map[uint8][]string{
		0: {
			`{"messages":[{"role":"user","content":"x","humor":2}],"n":2,"stop":["a"],"stream":true,"stream_options":{"include_usage":true}}`,
			`{"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"日本"}]}],"attributes":{"humor":4},"logprobs":true,"top_logprobs":20}`,
			`{"messages":[{"role":"user","content":"fail"}],"stream":true}`,
			`{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"object","properties":{"a":{"type":"string","pattern":"x+"}}}}}}`,
			`{"messages":[{"role":"user","content":"\ud83d\ude00\ud800"}],"seed":-9223372036854775808}`,
			`{"messages":[{}],"temperature":1e-400,"top_k":-1,"max_tokens":2147483648}`,
			`{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"enum":["日"]}}}}}],"tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,"stream":true}`,
			`{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}],"chat_template_kwargs":{"a":[1,{"b":null}]},"tools":[],"tool_choice":"none"}`,
		},
		1: {
			`{"prompt":[[1,2],[3]],"logprobs":3,"echo":true,"stream":true,"n":3}`,
			`{"prompt":"fail","max_tokens":0,"echo":true,"logprobs":0}`,
			`{"prompt":["a","b"],"stop":"\n","timeout":0.5,"seed":18446744073709551615}`,
			`{"prompt":"x","best_of":3,"n":2,"prompt_logprobs":1,"logit_bias":{"5":-100},"stop_token_ids":[13],"min_tokens":2,"typical_p":0.5,"repetition_penalty":1.2}`,
			`{"prompt":"x","structured_outputs":{"regex":"(a|b)*","choice":["a"]}}`,
			`{"prompt":[1.0,2e0],"tools":null,"zeta":[[[]]]}`,
		},
		2: {`{"prompt":"日本","add_special_tokens":false}`, `{"messages":[{"role":"user","content":"x"}]}`},
		3: {`{"tokens":[1,-5,99999999]}`, `{"tokens":[233,154,168]}`},
	} {
		for _, body := range bodies {
			f.Add(path, body)
		}
	}
	b := newBench(f, func(b *bench, r engine.Request) enginetest.Script {
		if strings.Contains(b.tokenizer.Decode(r.Prompt), "fail") {
			return enginetest.Script{Tokens: []int32{22557}, Err: errInjected}
		}
		return enginetest.Script{Tokens: []int32{22557, 233, 154, 1, 168, 13}}
	})
	f.Fuzz(func(t *testing.T, path uint8, body string) {
		b.engine.Forget()
		w := b.post(paths[int(path)%len(paths)], body)
		switch {
		case w.Code == 500 && strings.Contains(w.Body.String(), errInjected.Error()):
			readError(t, w)
		case w.Code >= 400 && w.Code < 500:
			readError(t, w)
		case w.Code != 200:
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		case w.Header().Get("Content-Type") == "text/event-stream":
			checkStream(t, w)
		case !json.Valid(w.Body.Bytes()):
			t.Errorf("%q: %s is not JSON", body, w.Body)
		}
		if !utf8.Valid(w.Body.Bytes()) {
			t.Errorf("%q: %q is not UTF-8", body, w.Body)
		}
	})
}

// checkStream: JSON events, and at the end [DONE] or an error.
func checkStream(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	events := bytes.Split(bytes.TrimSuffix(w.Body.Bytes(), []byte("\n\n")), []byte("\n\n"))
	for i, event := range events {
		if bytes.HasPrefix(event, []byte(":")) {
			continue // a comment
		}
		data, ok := bytes.CutPrefix(event, []byte("data: "))
		last := i == len(events)-1
		if done := string(data) == "[DONE]"; !ok || done != (last && !bytes.Contains(data, []byte(`{"error"`))) || !done && !json.Valid(data) {
			t.Errorf("event %d of %d: %q", i, len(events), event)
		}
	}
}
