package apitest

import (
	"testing"

	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tool"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Generate is the request of the gRPC API. Its temperature has the precision of
// float32.
func (q Request) Generate() *hachiv1.GenerateRequest {
	c := &hachiv1.Conversation{Attributes: counts(q.Attributes), SingleToolCall: !q.Parallel}
	for _, m := range q.Messages {
		one := &hachiv1.Message{Role: m.Role, Content: m.Content, Attributes: counts(m.Attributes), ToolCallId: m.ToolCallID, Reasoning: m.Reasoning}
		for _, call := range m.ToolCalls {
			one.ToolCalls = append(one.ToolCalls, &hachiv1.ToolCall{Id: call.ID, Name: call.Name, Arguments: call.Arguments})
		}
		c.Messages = append(c.Messages, one)
	}
	for _, t := range q.Tools {
		one := &hachiv1.Tool{Name: t.Name, Description: t.Description}
		if t.Parameters != nil {
			one.Parameters = string(encode(t.Parameters)) // the same bytes as in the bodies: some templates show them
		}
		c.Tools = append(c.Tools, one)
	}
	switch q.Choice.Mode {
	case tool.None:
		c.ToolChoice = hachiv1.ToolChoice_TOOL_CHOICE_NONE
	case tool.Required:
		c.ToolChoice = hachiv1.ToolChoice_TOOL_CHOICE_REQUIRED
	case tool.Named:
		c.RequiredTool = q.Choice.Name
	}
	return &hachiv1.GenerateRequest{
		Prompt: &hachiv1.GenerateRequest_Conversation{Conversation: c}, MaxTokens: uint32(q.MaxTokens),
		Temperature: float32(q.Temperature), TopP: 1, TypicalP: 1, RepetitionPenalty: 1, Seed: q.Seed, Stop: q.Stop,
	}
}

func counts(in chat.Attributes) map[string]uint32 {
	out := map[string]uint32{}
	for name, v := range in {
		out[name] = uint32(v)
	}
	return out
}

// ReadGenerated joins the messages of an answer of the gRPC API.
func ReadGenerated(t testing.TB, messages []*hachiv1.GenerateResponse) (a Answer) {
	t.Helper()
	ends := map[hachiv1.FinishReason]string{
		hachiv1.FinishReason_FINISH_REASON_STOP: "stop", hachiv1.FinishReason_FINISH_REASON_LENGTH: "length",
		hachiv1.FinishReason_FINISH_REASON_TOOL_CALLS: "tool_calls",
	}
	for i, m := range messages {
		if end, last := ends[m.GetFinishReason()], i == len(messages)-1; (end != "") != last {
			t.Fatalf("message %d of %d ends the answer with %q", i, len(messages), end)
		}
		a.Text, a.Reasoning, a.End = a.Text+m.GetText(), a.Reasoning+m.GetReasoning(), ends[m.GetFinishReason()]
		for _, d := range m.GetToolCalls() {
			if d.GetName() != "" {
				a.Calls = append(a.Calls, tool.Call{ID: d.GetId(), Name: d.GetName()})
			}
			if int(d.GetIndex()) != len(a.Calls)-1 {
				t.Fatalf("a delta of call %d where %d have begun", d.GetIndex(), len(a.Calls))
			}
			a.Calls[len(a.Calls)-1].Arguments += d.GetArguments()
		}
	}
	return a
}
