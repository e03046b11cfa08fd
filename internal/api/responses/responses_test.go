package responses

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// plainShape writes an error as its parameter and its message.
func plainShape(e *httpapi.Error, _ string) any {
	return map[string]string{"param": e.Param, "code": e.Code, "message": e.Message}
}

func newBench(t testing.TB, template, text string) *apitest.Bench {
	return apitest.New(t, template, apitest.Say(text))
}

// post sends a request and returns the header of its answer and its JSON.
func post(t testing.TB, b *apitest.Bench, body string, status int) (http.Header, map[string]any) {
	t.Helper()
	w := b.Post("/v1/responses", body, New(b.Config, plainShape))
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != status {
		t.Fatalf("%s: %d %s, want status %d", body, w.Code, w.Body, status)
	}
	return w.Header(), out
}

// TestWholeAnswerHasEveryKeyThatClientsParse: openai-python and @ai-sdk/openai
// want most of them to be there, with their kinds.
func TestWholeAnswerHasEveryKeyThatClientsParse(t *testing.T) {
	b := newBench(t, chat.KarakuriTemplate, "Hello 八")
	_, got := post(t, b, `{"input":"x","instructions":"Be brief.","temperature":0.5,"top_p":0.9,"max_output_tokens":50,"metadata":{"a":"b"},
		"text":{"format":{"type":"text"}},"tool_choice":"none","tools":[{"type":"function","name":"f","parameters":{"type":"object"}}],"parallel_tool_calls":false}`, 200)
	for _, key := range []string{"id", "created_at", "completed_at", "usage", "output"} {
		if got[key] == nil {
			t.Errorf("no %s", key)
		}
		delete(got, key)
	}
	want := `{"background":false,"error":null,"incomplete_details":null,"instructions":"Be brief.","max_output_tokens":50,"max_tool_calls":null,` +
		`"metadata":{"a":"b"},"model":"org/m","object":"response","parallel_tool_calls":false,"previous_response_id":null,` +
		`"reasoning":{"effort":null,"summary":null},"service_tier":"default","status":"completed","store":false,"temperature":0.5,` +
		`"text":{"format":{"type":"text"}},"tool_choice":"none","tools":[{"description":null,"name":"f","parameters":{"type":"object"},"strict":false,"type":"function"}],` +
		`"top_logprobs":0,"top_p":0.9,"truncation":"disabled","user":null}`
	if raw, _ := json.Marshal(got); string(raw) != want {
		t.Errorf("got  %s\nwant %s", raw, want)
	}
}

// TestStreamEndsWithTheAnswer that the same request has when it is not streamed.
func TestStreamEndsWithTheAnswer(t *testing.T) {
	b := newBench(t, chat.KarakuriTemplate, "Hello 八")
	_, whole := post(t, b, `{"input":"x"}`, 200)
	w := b.Post("/v1/responses", `{"input":"x","stream":true}`, New(b.Config, plainShape))
	events := apitest.Events(t, w.Body.String())
	var last struct{ Response map[string]any }
	if err := json.Unmarshal(events[len(events)-1].Data, &last); err != nil {
		t.Fatal(err)
	}
	text := func(answer map[string]any) string {
		return answer["output"].([]any)[0].(map[string]any)["content"].([]any)[0].(map[string]any)["text"].(string)
	}
	if text(whole) != "Hello 八" || text(last.Response) != text(whole) || len(last.Response) != len(whole) {
		t.Errorf("whole %v, streamed %v", whole, last.Response)
	}
	for _, e := range events {
		var inner struct{ Type string }
		if err := json.Unmarshal(e.Data, &inner); err != nil || inner.Type != e.Name {
			t.Errorf("the event %q has the data %s", e.Name, e.Data)
		}
	}
}

// TestFailureInTheMiddle is an event that follows the answer, and an error.
func TestFailureInTheMiddle(t *testing.T) {
	b := newBench(t, chat.KarakuriTemplate, "")
	b.Engine.Script = func(engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: b.Tokenizer.Encode("Hello"), Err: errors.New("injected failure")}
	}
	w := b.Post("/v1/responses", `{"input":"x","stream":true}`, New(b.Config, plainShape))
	events := apitest.Events(t, w.Body.String())
	if n := len(events); n < 3 || events[n-2].Name != "response.failed" || events[n-1].Name != "error" {
		t.Fatalf("%s", w.Body)
	}
	failed, last := string(events[len(events)-2].Data), string(events[len(events)-1].Data)
	if !strings.Contains(failed, `"error":{"code":"server_error","message":"injected failure"}`) ||
		!strings.Contains(last, `"message":"injected failure","param":null,"error":{`) {
		t.Errorf("%s\n%s", failed, last)
	}
}

func TestNothingIsStored(t *testing.T) {
	b := newBench(t, chat.KarakuriTemplate, "x")
	for _, path := range []string{"/v1/responses/resp_1", "/v1/responses/resp_1/cancel"} {
		w := b.Post(path, `{}`, New(b.Config, plainShape))
		if w.Code != 404 || !strings.Contains(w.Body.String(), "stores no answers") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	w := b.Post("/v1/responses/input_tokens", `{"input":"x"}`, New(b.Config, plainShape))
	if w.Code != 200 || !strings.Contains(w.Body.String(), `{"input_tokens":`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestReasoningIsAnItem, whole and in events, and comes back as a turn of the past.
func TestReasoningIsAnItem(t *testing.T) {
	b := newBench(t, apitest.ThinkTemplate, "<think>Hm, hm.</think>Hello")
	w := b.Post("/v1/responses", `{"input":"x","stream":true}`, New(b.Config, plainShape))
	var texts, reasoning strings.Builder
	var last struct{ Response answer }
	for _, e := range apitest.Events(t, w.Body.String()) {
		var one event
		if err := json.Unmarshal(e.Data, &one); err != nil {
			t.Fatal(err)
		}
		switch one.Type {
		case "response.output_text.delta":
			texts.WriteString(*one.Delta)
		case "response.reasoning_text.delta":
			reasoning.WriteString(*one.Delta)
		case "response.completed":
			last.Response = *one.Response
		}
	}
	out := last.Response.Output
	if texts.String() != "Hello" || reasoning.String() != "Hm, hm." || len(out) != 2 || out[0].Type != "reasoning" || out[0].Content[0].Text != "Hm, hm." {
		t.Errorf("text %q, reasoning %q, output %+v", texts.String(), reasoning.String(), out)
	}
	if u := last.Response.Usage; u.Details.Reasoning == 0 || u.Details.Reasoning >= u.Output {
		t.Errorf("usage %+v", u)
	}
	history, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	post(t, b, `{"input":[{"role":"user","content":"x"},`+strings.Trim(string(history), "[]")+`,{"role":"user","content":"y"}],"reasoning":{"effort":"low"}}`, 200)
	calls := b.Engine.Calls()
	if prompt := b.Tokenizer.Decode(calls[len(calls)-1].Request.Prompt); !strings.Contains(prompt, "<think>Hm, hm.</think>Hello[user] y") {
		t.Errorf("the prompt is %q", prompt)
	}
}
