package anthropic

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const user = `"messages":[{"role":"user","content":"x"}]`

// post sends a request and returns the header of its answer and its message.
func post(t testing.TB, b *apitest.Bench, body string) (http.Header, message) {
	t.Helper()
	w := b.Post("/v1/messages", body, New(b.Config))
	var out message
	d := json.NewDecoder(w.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil || w.Code != 200 {
		t.Fatalf("%s: %d %s", body, w.Code, w.Body)
	}
	return w.Header(), out
}

// readError reads an error, whose shape must be Anthropic's.
func readError(t testing.TB, w *httptest.ResponseRecorder) (kind, message string) {
	t.Helper()
	var out errorBody
	d := json.NewDecoder(w.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil || out.Type != "error" || out.RequestID == "" || out.RequestID != w.Header().Get(httpapi.IDHeader) {
		t.Fatalf("%d %v: %+v, %v", w.Code, w.Header(), out, err)
	}
	return out.Error.Type, out.Error.Message
}

// TestReasonsToStop are translated from the engine's.
func TestReasonsToStop(t *testing.T) {
	b := apitest.New(t, chat.KarakuriTemplate, apitest.Say("one two three"))
	for _, tt := range []struct{ more, text, reason, sequence string }{
		{`"max_tokens":50`, "one two three", "end_turn", ""},
		{`"max_tokens":2`, "one two", "max_tokens", ""},
		{`"max_tokens":50,"stop_sequences":["x","three","two"]`, "one ", "stop_sequence", "two"},
	} {
		_, got := post(t, b, `{`+user+`,`+tt.more+`}`)
		sequence := ""
		if got.Sequence != nil {
			sequence = *got.Sequence
		}
		if *got.Content[0].Text != tt.text || *got.Reason != tt.reason || sequence != tt.sequence {
			t.Errorf("%s: %q, %s, %q, want %+v", tt.more, *got.Content[0].Text, *got.Reason, sequence, tt)
		}
	}
}

// TestErrorsHaveAnthropicsShape everywhere under the path.
func TestErrorsHaveAnthropicsShape(t *testing.T) {
	b := apitest.New(t, chat.KarakuriTemplate, apitest.Say("x"))
	b.Engine.Script = func(r engine.Request) enginetest.Script {
		refuse := errors.New("injected failure")
		if r.Priority == 1 {
			refuse = scheduler.ErrQueueFull
		} else if r.Priority == 2 {
			refuse = engine.ErrStopped
		}
		return enginetest.Script{Refuse: refuse}
	}
	for _, tt := range []struct {
		method, path, body, kind string
		status                   int
	}{
		{"POST", "/v1/messages", `{`, "invalid_request_error", 400},
		{"POST", "/v1/messages", `{` + user + `}`, "invalid_request_error", 400},
		{"POST", "/v1/messages", `{` + user + `,"max_tokens":1,"model":"claude"}`, "not_found_error", 404},
		{"POST", "/v1/messages", `{` + user + `,"max_tokens":1,"x":"` + strings.Repeat("x", httpapi.MaxBody) + `"}`, "request_too_large", 413},
		{"POST", "/v1/messages", `{` + user + `,"max_tokens":1}`, "api_error", 500},
		{"POST", "/v1/messages", `{` + user + `,"max_tokens":1,"priority":1}`, "rate_limit_error", 429},
		{"POST", "/v1/messages", `{` + user + `,"max_tokens":1,"priority":2,"stream":true}`, "overloaded_error", 503},
		{"GET", "/v1/messages", ``, "invalid_request_error", 405},
		{"POST", "/v1/messages/batches", `{}`, "not_found_error", 404},
		{"DELETE", "/v1/messages/batches/b1", ``, "not_found_error", 404},
		{"POST", "/v1/messages/count_tokens", `{"messages":[]}`, "invalid_request_error", 400},
	} {
		w := httptest.NewRecorder()
		httpapi.Handler(b.Config, New(b.Config)).ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body)))
		if kind, message := readError(t, w); kind != tt.kind || w.Code != tt.status {
			t.Errorf("%s %s %.99s: %d %s %q, want %d %s", tt.method, tt.path, tt.body, w.Code, kind, message, tt.status, tt.kind)
		}
	}
}

// TestFailureInTheMiddle is an error event.
func TestFailureInTheMiddle(t *testing.T) {
	b := apitest.New(t, chat.KarakuriTemplate, nil)
	b.Engine.Script = func(engine.Request) enginetest.Script { return enginetest.Script{Err: engine.ErrStopped} }
	w := b.Post("/v1/messages", `{`+user+`,"max_tokens":5,"stream":true}`, New(b.Config))
	events := apitest.Events(t, w.Body.String())
	last := events[len(events)-1]
	if events[0].Name != "message_start" || last.Name != "error" || !strings.Contains(string(last.Data), `"error":{"type":"overloaded_error","message":"`) {
		t.Errorf("%s", w.Body)
	}
}

func TestCountTokens(t *testing.T) {
	b := apitest.New(t, chat.KarakuriTemplate, apitest.Say("x"))
	_, answer := post(t, b, `{`+user+`,"system":"Be brief.","max_tokens":5}`)
	w := b.Post("/v1/messages/count_tokens", `{`+user+`,"system":[{"type":"text","text":"Be "},{"type":"text","text":"brief."}]}`, New(b.Config))
	var count struct {
		Input int `json:"input_tokens"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &count); err != nil || count.Input != answer.Usage.Input || count.Input == 0 {
		t.Errorf("counted %s, the answer has %+v", w.Body, answer.Usage)
	}
}

// TestThinkingIsABlock, and comes back as a turn of the past without a signature.
func TestThinkingIsABlock(t *testing.T) {
	b := apitest.New(t, apitest.ThinkTemplate, apitest.Say("<think>Hm, hm.</think>Hello"))
	_, got := post(t, b, `{`+user+`,"max_tokens":50}`)
	if len(got.Content) != 2 || got.Content[0].Type != "thinking" || *got.Content[0].Thinking != "Hm, hm." || *got.Content[1].Text != "Hello" {
		t.Errorf("%+v", got.Content)
	}
	w := b.Post("/v1/messages", `{`+user+`,"max_tokens":50,"stream":true}`, New(b.Config))
	if !strings.Contains(w.Body.String(), `{"type":"thinking_delta","thinking":"Hm`) {
		t.Errorf("%s", w.Body)
	}
	header, _ := post(t, b, `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":"Hm."},{"type":"text","text":"Hello"}]},
		{"role":"user","content":"y"}],"max_tokens":50,"thinking":{"type":"disabled"}}`)
	calls := b.Engine.Calls()
	prompt := b.Tokenizer.Decode(calls[len(calls)-1].Request.Prompt)
	if !strings.Contains(prompt, "<think>Hm.</think>Hello[user] y") || !strings.HasSuffix(prompt, "<think></think>") || header.Get(httpapi.IgnoredHeader) != "" {
		t.Errorf("the prompt is %q, ignored %q", prompt, header.Get(httpapi.IgnoredHeader))
	}
}

// TestSilentStreamPings: an answer that waits sends a ping every 15 s, and ends with
// the deadline of its client.
func TestSilentStreamPings(t *testing.T) {
	b := apitest.New(t, chat.KarakuriTemplate, nil)
	b.Engine.Script = func(engine.Request) enginetest.Script { return enginetest.Script{Hold: true} }
	synctest.Test(t, func(t *testing.T) {
		w := b.Post("/v1/messages", `{`+user+`,"max_tokens":5,"stream":true,"timeout":40}`, New(b.Config))
		var names []string
		for _, e := range apitest.Events(t, w.Body.String()) {
			names = append(names, e.Name)
		}
		if got := strings.Join(names, " "); got != "message_start ping ping ping error" || !strings.Contains(w.Body.String(), `"type":"timeout_error"`) {
			t.Errorf("%s: %s", got, w.Body)
		}
	})
}
