package apitest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/text/tool"
)

// Answer is what every API says of an answer.
type Answer struct {
	Reasoning, Text string
	Calls           []tool.Call
	End             string // why it ended, as chat completions say it
}

// API is an API that answers Requests.
type API struct {
	Path string
	Body func(q Request, stream bool) []byte
	Read func(t testing.TB, raw string, stream bool) Answer
}

// APIs are all that answer Requests.
var APIs = []API{
	{"/v1/chat/completions", Request.ChatBody, readChat},
	{"/v1/responses", Request.ResponsesBody, readResponse},
	{"/v1/messages", Request.MessagesBody, readMessage},
}

// decode reads JSON, or fails the test.
func decode(t testing.TB, raw []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
}

// chatTurn is a message of a chat, or a delta of one.
type chatTurn struct {
	Content   string
	Reasoning string `json:"reasoning_content"`
	Calls     []struct {
		Index    int
		ID       string
		Function struct{ Name, Arguments string }
	} `json:"tool_calls"`
}

func readChat(t testing.TB, raw string, stream bool) (a Answer) {
	t.Helper()
	var chunks []string
	if stream {
		body, ok := strings.CutSuffix(raw, "data: [DONE]\n\n")
		if !ok {
			t.Fatalf("the stream has no end: %s", raw)
		}
		for _, e := range Events(t, body) {
			chunks = append(chunks, string(e.Data))
		}
	} else {
		chunks = []string{raw}
	}
	for _, chunk := range chunks {
		var one struct {
			Choices []struct {
				Message, Delta chatTurn
				Finish         string `json:"finish_reason"`
			}
		}
		decode(t, []byte(chunk), &one)
		for _, c := range one.Choices {
			turn := c.Message
			if stream {
				turn = c.Delta
			}
			a.Text, a.Reasoning, a.End = a.Text+turn.Content, a.Reasoning+turn.Reasoning, c.Finish
			for _, call := range turn.Calls {
				if call.ID != "" {
					a.Calls = append(a.Calls, tool.Call{ID: call.ID, Name: call.Function.Name})
				}
				a.Calls[len(a.Calls)-1].Arguments += call.Function.Arguments
			}
		}
	}
	return a
}

// readResponse reads the last event of a stream, after it has checked that the
// deltas concatenate to it.
func readResponse(t testing.TB, raw string, stream bool) (a Answer) {
	t.Helper()
	pieces := map[string]string{}
	if stream {
		for _, e := range Events(t, raw) {
			var one struct {
				Delta    string
				Response json.RawMessage
			}
			decode(t, e.Data, &one)
			pieces[e.Name] += one.Delta
			raw = string(one.Response)
		}
	}
	var whole struct {
		Status string
		Output []struct {
			Type, Name, Arguments string
			CallID                string `json:"call_id"`
			Content               []struct{ Text string }
		}
	}
	decode(t, []byte(raw), &whole)
	arguments := ""
	for _, item := range whole.Output {
		for _, part := range item.Content {
			if item.Type == "reasoning" {
				a.Reasoning += part.Text
			} else {
				a.Text += part.Text
			}
		}
		if item.Type == "function_call" {
			a.Calls = append(a.Calls, tool.Call{ID: item.CallID, Name: item.Name, Arguments: item.Arguments})
			arguments += item.Arguments
		}
	}
	if stream && (pieces["response.output_text.delta"] != a.Text || pieces["response.reasoning_text.delta"] != a.Reasoning ||
		pieces["response.function_call_arguments.delta"] != arguments) {
		t.Errorf("the deltas are %q, the answer is %+v", pieces, a)
	}
	switch {
	case whole.Status == "incomplete":
		a.End = "length"
	case len(a.Calls) > 0:
		a.End = "tool_calls"
	default:
		a.End = "stop"
	}
	return a
}

func readMessage(t testing.TB, raw string, stream bool) (a Answer) {
	t.Helper()
	type block struct {
		Type, Text, Thinking, ID, Name string
		Input                          json.RawMessage
	}
	var whole struct {
		Content []block
		Reason  string `json:"stop_reason"`
	}
	if !stream {
		decode(t, []byte(raw), &whole)
		raw = ""
	}
	for _, e := range Events(t, raw) {
		var one struct {
			Block block `json:"content_block"`
			Delta struct {
				Text, Thinking string
				JSON           string `json:"partial_json"`
				Reason         string `json:"stop_reason"`
			}
		}
		decode(t, e.Data, &one)
		if e.Name == "content_block_start" {
			one.Block.Input = nil
			whole.Content = append(whole.Content, one.Block)
		}
		if e.Name == "content_block_delta" {
			last := &whole.Content[len(whole.Content)-1]
			last.Text, last.Thinking, last.Input = last.Text+one.Delta.Text, last.Thinking+one.Delta.Thinking, append(last.Input, one.Delta.JSON...)
		}
		whole.Reason += one.Delta.Reason
	}
	for _, b := range whole.Content {
		if a.Text, a.Reasoning = a.Text+b.Text, a.Reasoning+b.Thinking; b.Type == "tool_use" {
			a.Calls = append(a.Calls, tool.Call{ID: b.ID, Name: b.Name, Arguments: string(b.Input)})
		}
	}
	a.End = map[string]string{"end_turn": "stop", "stop_sequence": "stop", "tool_use": "tool_calls", "max_tokens": "length"}[whole.Reason]
	return a
}
