package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers every request with what answer writes, and keeps the last
// request's body.
func serve(t *testing.T, answer http.HandlerFunc) (*Client, *map[string]any) {
	t.Helper()
	body := &map[string]any{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*body = map[string]any{"path": r.URL.Path}
		if err := json.NewDecoder(r.Body).Decode(body); err != nil && r.Method == http.MethodPost {
			t.Errorf("body: %v", err)
		}
		w.Header().Set(requestID, "req-1")
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return &Client{URL: s.URL + "/", HTTP: s.Client()}, body
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
}

func TestRequestsCarryWhatIsSet(t *testing.T) {
	c, body := serve(t, says(`{}`))
	c.Model = "m"
	if _, err := c.Chat(t.Context(), ChatRequest{
		Messages: []Message{{Role: "user", Content: "hi"}}, Attributes: map[string]int{"humor": 1},
		Params: Params{MaxTokens: 3, Seed: new(uint64(0)), Stop: []string{"x"}, Logprobs: new(2), Extra: map[string]any{"top_k": 5}},
	}); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"path": "/v1/chat/completions", "model": "m", "messages": []any{map[string]any{"role": "user", "content": "hi"}},
		"attributes": map[string]any{"humor": 1.0}, "max_tokens": 3.0, "seed": 0.0, "stop": []any{"x"}, "temperature": 0.0,
		"logprobs": true, "top_logprobs": 2.0, "top_k": 5.0,
	}
	if !reflect.DeepEqual(*body, want) {
		t.Errorf("chat sends %v\nwant       %v", *body, want)
	}
	if _, err := c.Complete(t.Context(), CompletionRequest{
		Tokens: []int32{1, 2}, Echo: true, Params: Params{Logprobs: new(0), Temperature: 0.5, N: 2, Schema: json.RawMessage(`{"type":"null"}`)},
	}); err != nil {
		t.Fatal(err)
	}
	want = map[string]any{
		"path": "/v1/completions", "model": "m", "prompt": []any{1.0, 2.0}, "echo": true, "logprobs": 0.0, "temperature": 0.5, "n": 2.0,
		"structured_outputs": map[string]any{"json": map[string]any{"type": "null"}},
	}
	if !reflect.DeepEqual(*body, want) {
		t.Errorf("complete sends %v\nwant           %v", *body, want)
	}
}

func TestRequestsThatSayNothingAreNotSent(t *testing.T) {
	c := &Client{URL: "http://unused.invalid"}
	if _, err := c.Chat(t.Context(), ChatRequest{}); err == nil || !strings.Contains(err.Error(), "Messages") {
		t.Errorf("a chat without messages: %v", err)
	}
	if _, err := c.Complete(t.Context(), CompletionRequest{Prompt: "x", Tokens: []int32{1}}); err == nil || !strings.Contains(err.Error(), "Tokens") {
		t.Errorf("two prompts: %v", err)
	}
}

// schema is that of a tool's arguments.
const schema = `{"type":"object","properties":{"city":{"type":"string"}}}`

func TestRequestsCarryTools(t *testing.T) {
	c, body := serve(t, says(`{}`))
	history := []Message{
		{Role: "user", Content: "Weather?"},
		{Role: "assistant", Reasoning: "hm", ToolCalls: []ToolCall{{"c1", "weather", `{"city":"京都"}`}}},
		{Role: "tool", ToolCallID: "c1", Content: "sunny"},
	}
	call := map[string]any{"id": "c1", "type": "function", "function": map[string]any{"name": "weather", "arguments": `{"city":"京都"}`}}
	messages := []any{
		map[string]any{"role": "user", "content": "Weather?"},
		map[string]any{"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": []any{call}},
		map[string]any{"role": "tool", "content": "sunny", "tool_call_id": "c1"},
	}
	parameters := map[string]any{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}}
	tools := []any{
		map[string]any{"type": "function", "function": map[string]any{"name": "weather", "description": "d", "parameters": parameters}},
		map[string]any{"type": "function", "function": map[string]any{"name": "now"}},
	}
	for _, tt := range []struct {
		change func(*ChatRequest)
		choice any
		single any
	}{
		{func(*ChatRequest) {}, nil, nil},
		{func(r *ChatRequest) { r.ToolChoice, r.SingleToolCall = "required", true }, "required", false},
		{func(r *ChatRequest) { r.RequiredTool = "now" }, map[string]any{"type": "function", "function": map[string]any{"name": "now"}}, nil},
	} {
		r := ChatRequest{Messages: history, Tools: []Tool{{"weather", "d", json.RawMessage(schema)}, {Name: "now"}}}
		tt.change(&r)
		if _, err := c.Chat(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual((*body)["messages"], any(messages)) || !reflect.DeepEqual((*body)["tools"], any(tools)) {
			t.Errorf("sends %v", *body)
		}
		if !reflect.DeepEqual((*body)["tool_choice"], tt.choice) || (*body)["parallel_tool_calls"] != tt.single {
			t.Errorf("sends tool_choice %v, parallel_tool_calls %v", (*body)["tool_choice"], (*body)["parallel_tool_calls"])
		}
	}
	r := ChatRequest{Messages: history, ToolChoice: "none", RequiredTool: "now"}
	if _, err := c.Chat(t.Context(), r); err == nil || !strings.Contains(err.Error(), "RequiredTool") {
		t.Errorf("two choices: %v", err)
	}
}

// TestToolCallsOfAnswersAndStreamsAreTheSame message of the assistant.
func TestToolCallsOfAnswersAndStreamsAreTheSame(t *testing.T) {
	want := Message{Role: "assistant", Content: "Let me see.", Reasoning: "hm", ToolCalls: []ToolCall{{"c1", "weather", `{"city": "京都"}`}, {"c2", "now", "{}"}}}
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := serve(t, says(`{"choices":[{"index":0,"finish_reason":"tool_calls","message":`+string(raw)+`}]}`))
	answer, err := whole.Chat(t.Context(), ChatRequest{Messages: []Message{{Role: "user"}}})
	if err != nil || !reflect.DeepEqual(answer.Choices[0].Message(), want) || answer.Choices[0].Finish != "tool_calls" {
		t.Errorf("the answer is %+v, %v", answer, err)
	}
	var again Message
	if err := json.Unmarshal(raw, &again); err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("%s is read as %+v, %v", raw, again, err)
	}
	stream := ""
	for _, delta := range []string{
		`{"role":"assistant","content":""}`, `{"reasoning_content":"hm"}`, `{"content":"Let me "}`, `{"content":"see."}`,
		`{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"weather","arguments":""}}]}`,
		`{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\": "}}]}`, `{"tool_calls":[{"index":0,"function":{"arguments":"\"京都\"}"}}]}`,
		`{"tool_calls":[{"index":1,"id":"c2","type":"function","function":{"name":"now","arguments":""}}]}`, `{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]}`,
	} {
		stream += `data: {"choices":[{"index":0,"delta":` + delta + `}]}` + "\n\n"
	}
	parts, _ := serve(t, says(stream+`data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`+"\n\ndata: [DONE]\n\n"))
	var got Message
	var finish string
	for chunk, err := range parts.Stream(t.Context(), ChatRequest{Messages: []Message{{Role: "user"}}}) {
		if err != nil {
			t.Fatal(err)
		}
		got.Add(chunk)
		finish += chunk.Finish
	}
	if !reflect.DeepEqual(got, want) || finish != "tool_calls" {
		t.Errorf("the stream is %+v, %q", got, finish)
	}
}

func TestAnswersOfBothEndpointsHaveOneShape(t *testing.T) {
	want := &Answer{
		ID: "i", Model: "m", Fingerprint: "f", RequestID: "req-1", Usage: Usage{Prompt: 1, Completion: 2},
		Choices: []Choice{{Index: 0, Text: "ab", Finish: "stop", Tokens: []Token{
			{Text: "a", Logprob: -1.5, Top: []Token{{Text: "a", Logprob: -1.5}, {Text: "c", Logprob: -2}}},
		}}},
	}
	head := `"id":"i","model":"m","system_fingerprint":"f","usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}`
	chat, _ := serve(t, says(`{`+head+`,"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"ab"},
		"logprobs":{"content":[{"token":"a","logprob":-1.5,"top_logprobs":[{"token":"a","logprob":-1.5},{"token":"c","logprob":-2}]}]}}]}`))
	got, err := chat.Chat(t.Context(), ChatRequest{Messages: []Message{{Role: "user"}}})
	if err != nil || !reflect.DeepEqual(got, want) || got.Text() != "ab" {
		t.Errorf("chat %+v, %v", got, err)
	}
	text, _ := serve(t, says(`{`+head+`,"choices":[{"index":0,"finish_reason":"stop","text":"ab",
		"logprobs":{"tokens":["a"],"token_logprobs":[-1.5],"top_logprobs":[{"c":-2,"a":-1.5}],"text_offset":[0]}}]}`))
	got, err = text.Complete(t.Context(), CompletionRequest{})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("completion %+v, %v", got, err)
	}
}

func TestRefusalsAreTyped(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3")
		http.Error(w, `{"error":{"message":"full","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}`, http.StatusTooManyRequests)
	})
	_, err := c.Complete(t.Context(), CompletionRequest{})
	want := &Error{Status: 429, Message: "full", Type: "rate_limit_error", Code: "rate_limit_exceeded", RequestID: "req-1", RetryAfter: 3 * time.Second}
	var got *Error
	if !errors.As(err, &got) || *got != *want {
		t.Errorf("got %+v, want %+v", err, want)
	}
	if text := "status 429: full (request req-1)"; err.Error() != text {
		t.Errorf("error %q, want %q", err, text)
	}
	proxy, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) })
	if err := proxy.Ready(t.Context()); !errors.As(err, &got) || got.Status != 502 || got.Message != "<html>" {
		t.Errorf("a proxy's error: %v", err)
	}
}

// collect reads a stream to its end.
func collect(c *Client) (text string, usage *Usage, err error) {
	for chunk, err := range c.Stream(context.Background(), CompletionRequest{}) {
		if err != nil {
			return text, usage, err
		}
		text += chunk.Text
		if chunk.Usage != nil {
			usage = chunk.Usage
		}
	}
	return text, usage, nil
}

func TestStreams(t *testing.T) {
	const a, b = `data: {"choices":[{"text":"a"}],"usage":null}` + "\n\n", `data: {"choices":[{"text":"b","finish_reason":"stop"}]}` + "\n\n"
	c, body := serve(t, says(": a comment\n\n"+a+b+`data: {"choices":[],"usage":{"completion_tokens":2}}`+"\n\ndata: [DONE]\n\n"))
	text, usage, err := collect(c)
	if text != "ab" || usage == nil || usage.Completion != 2 || err != nil || (*body)["stream"] != true {
		t.Errorf("%q, usage %v, %v", text, usage, err)
	}
	for _, tt := range []struct{ name, rest, want string }{
		{"cut", "", "without [DONE]"},
		{"refused in the middle", `data: {"error":{"message":"the server stops","type":"server_error"}}` + "\n\n", "the server stops (request req-1)"},
		{"no JSON", "data: {\n\n", "event"},
		{"longer than an event may be", "data: " + strings.Repeat("x", maxEvent), "too long"},
	} {
		c, _ := serve(t, says(a+tt.rest))
		if text, _, err := collect(c); text != "a" || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %q, %v", tt.name, text, err)
		}
	}
	full, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	var refused *Error
	if _, _, err := collect(full); !errors.As(err, &refused) || refused.Status != 503 {
		t.Errorf("a refused stream: %v", err)
	}
}

func TestOpeningOfAChatIsNoChunk(t *testing.T) {
	c, _ := serve(t, says(`data: {"choices":[{"delta":{"role":"assistant","content":""}}]}`+"\n\n"+
		`data: {"choices":[{"index":1,"delta":{"content":"a"},"finish_reason":"length"}]}`+"\n\ndata: [DONE]\n\n"))
	var got []Chunk
	for chunk, err := range c.Stream(t.Context(), ChatRequest{Messages: []Message{{Role: "user"}}}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, chunk)
	}
	if want := []Chunk{{Index: 1, Text: "a", Finish: "length"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("chunks %+v, want %+v", got, want)
	}
}

func TestLeavingTheLoopCancelsTheRequest(t *testing.T) {
	gone := make(chan struct{})
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `data: {"choices":[{"text":"a"}]}`+"\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	})
	for range c.Stream(t.Context(), CompletionRequest{}) {
		break
	}
	<-gone
}

func TestTokenize(t *testing.T) {
	c, body := serve(t, says(`{"tokens":[5,6],"count":2}`))
	got, err := c.Tokenize(t.Context(), "ab", true)
	if err != nil || !reflect.DeepEqual(got, []int32{5, 6}) || (*body)["add_special_tokens"] != true || (*body)["prompt"] != "ab" {
		t.Errorf("%v, %v of %v", got, err, *body)
	}
}
