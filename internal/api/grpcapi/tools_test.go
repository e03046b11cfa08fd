package grpcapi

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tool"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

var weather = &hachiv1.Tool{Name: "weather", Parameters: `{"type":"object","properties":{"city":{"enum":["京都","Osaka"]}},"required":["city"]}`}

// asking is a conversation with one message of the user, changed.
func asking(change func(*hachiv1.Conversation)) *hachiv1.GenerateRequest {
	c := &hachiv1.Conversation{Messages: []*hachiv1.Message{{Role: "user", Content: "x"}}}
	if change != nil {
		change(c)
	}
	return conversation(c)
}

// answer returns all messages of an answer.
func (b *bench) answer(ctx context.Context, in *hachiv1.GenerateRequest) (all []*hachiv1.GenerateResponse, err error) {
	stream, err := b.client.Generate(ctx, in)
	for err == nil {
		var m *hachiv1.GenerateResponse
		if m, err = stream.Recv(); err == nil {
			all = append(all, m)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return all, err
}

// TestToolCallsStream: a call begins with its id and name, its arguments come in
// pieces, and the answer ends for that reason.
func TestToolCallsStream(t *testing.T) {
	b := start(t, nil)
	want := []tool.Call{{Name: "weather", Arguments: `{"city": "京都"}`}, {Name: "weather", Arguments: `{"city":"Osaka"}`}}
	b.saying(tool.Generic.Write(want))
	all, err := b.answer(t.Context(), asking(func(c *hachiv1.Conversation) { c.Tools = []*hachiv1.Tool{weather} }))
	if err != nil {
		t.Fatal(err)
	}
	deltas := 0
	for _, m := range all {
		deltas += len(m.GetToolCalls())
	}
	got := apitest.ReadGenerated(t, all)
	if got.Text != "" || got.End != "tool_calls" || len(got.Calls) != 2 || deltas < 4 {
		t.Fatalf("%+v in %d deltas", got, deltas)
	}
	for i, c := range got.Calls {
		if !strings.HasPrefix(c.ID, "call_") || c.Name != want[i].Name || c.Arguments != want[i].Arguments {
			t.Errorf("call %d is %+v, want %+v", i, c, want[i])
		}
	}
	if got.Calls[0].ID == got.Calls[1].ID {
		t.Errorf("two calls of the id %s", got.Calls[0].ID)
	}
}

// TestToolChoiceConstrainsTheAnswer, and so does the number of calls that is allowed.
func TestToolChoiceConstrainsTheAnswer(t *testing.T) {
	other := &hachiv1.Tool{Name: "other"}
	call := tool.Generic.Write([]tool.Call{{Name: "weather", Arguments: `{"city":"Osaka"}`}})
	two := tool.Generic.Write([]tool.Call{{Name: "weather", Arguments: `{"city":"Osaka"}`}, {Name: "other"}})
	for _, tt := range []struct {
		name   string
		change func(*hachiv1.Conversation)
		allows []string
		denies []string
	}{
		{"auto", func(*hachiv1.Conversation) {}, []string{"Hello", call, two}, nil},
		{"single", func(c *hachiv1.Conversation) { c.SingleToolCall = true }, []string{"Hello", call}, []string{two}},
		{"none", func(c *hachiv1.Conversation) { c.ToolChoice = hachiv1.ToolChoice_TOOL_CHOICE_NONE }, nil, nil},
		{"required", func(c *hachiv1.Conversation) { c.ToolChoice = hachiv1.ToolChoice_TOOL_CHOICE_REQUIRED }, []string{call, two}, []string{"Hello"}},
		{"named", func(c *hachiv1.Conversation) { c.RequiredTool = "other" }, []string{tool.Generic.Write([]tool.Call{{Name: "other"}})}, []string{call, "Hello"}},
	} {
		b := start(t, nil)
		in := asking(func(c *hachiv1.Conversation) {
			c.Tools = []*hachiv1.Tool{weather, other}
			tt.change(c)
		})
		if tt.allows == nil {
			if _, err := b.answer(t.Context(), in); err != nil || b.engine.Calls()[0].Request.Matcher != nil {
				t.Errorf("%s: the answer is constrained, or %v", tt.name, err)
			}
		}
		for i, text := range slices.Concat(tt.allows, tt.denies) {
			if _, err := b.answer(t.Context(), in); err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			m, took := b.engine.Calls()[i].Request.Matcher, true
			for _, token := range b.tokenizer.Encode(text) {
				took = took && m.Accept(token)
			}
			if took = took && (m.Done() || m.Accept(b.tokenizer.EOS())); took != slices.Contains(tt.allows, text) {
				t.Errorf("%s: %q is taken: %v", tt.name, text, took)
			}
		}
	}
}

// TestHistoryWithToolsIsRendered as the same conversation is that comes by HTTP; see
// TestAPIsAskAndSayTheSame.
func TestHistoryWithToolsIsRendered(t *testing.T) {
	b := start(t, nil)
	in := asking(func(c *hachiv1.Conversation) {
		c.Messages = append(c.Messages,
			&hachiv1.Message{Role: "assistant", Reasoning: "hm", ToolCalls: []*hachiv1.ToolCall{{Id: "c1", Name: "weather", Arguments: `{"city":"Osaka"}`}}},
			&hachiv1.Message{Role: "tool", ToolCallId: "c1", Name: "weather", Content: "sunny"})
		c.Tools = []*hachiv1.Tool{weather}
	})
	if _, err := b.answer(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	prompt := b.tokenizer.Decode(b.engine.Calls()[0].Request.Prompt)
	for _, want := range []string{`"enum"`, `{"city":"Osaka"}`, "sunny"} {
		if !strings.Contains(prompt, want) {
			t.Errorf("%q has no %s", prompt, want)
		}
	}
}

// TestReasoningAndNodesAreFieldsOfTheirOwn, and usage counts them.
func TestReasoningAndNodesAreFieldsOfTheirOwn(t *testing.T) {
	b := start(t, func(s *completion.Service) {
		s.Attributes, s.Template = nil, chat.MustParse(apitest.ThinkTemplate, s.Completer.Tokenizer)
	})
	b.engine.Script = func(engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: b.tokenizer.Encode("<think>hm, 日本</think>Yes"), Nodes: []moe.NodeID{"n1", "n2"}, Cached: 3}
	}
	in := asking(nil)
	in.IncludeNodes = true
	all, err := b.answer(t.Context(), in)
	if err != nil || !b.engine.Calls()[0].Request.ReportNodes {
		t.Fatalf("asked for %+v, %v", b.engine.Calls(), err)
	}
	got, last := apitest.ReadGenerated(t, all), all[len(all)-1]
	if got.Reasoning != "hm, 日本" || got.Text != "Yes" || !slices.Equal(last.GetNodes(), []string{"n1", "n2"}) {
		t.Errorf("%+v by %v", got, last.GetNodes())
	}
	if u := last.GetUsage(); u.GetReasoningTokens() == 0 || u.GetReasoningTokens() >= u.GetCompletionTokens() || u.GetCachedTokens() != 3 {
		t.Errorf("usage %v", u)
	}
}

// TestFinalMessageContinues, and variables reach the template.
func TestFinalMessageContinues(t *testing.T) {
	b := start(t, func(s *completion.Service) {
		s.Attributes, s.Template = nil, chat.MustParse(`{% for m in messages %}{{ m.role }}: {{ m.content }}{{ color }}
{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}`, s.Completer.Tokenizer)
	})
	_, err := b.answer(t.Context(), asking(func(c *hachiv1.Conversation) {
		c.Messages = append(c.Messages, &hachiv1.Message{Role: "assistant", Content: "Well, "})
		c.ContinueFinalMessage, c.TemplateArgs = true, `{"color":"red"}`
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got := b.tokenizer.Decode(b.engine.Calls()[0].Request.Prompt); got != "user: xred\nassistant: Well, " {
		t.Errorf("the prompt is %q", got)
	}
}

// TestConversationsWithAFaultAreRefused with the names of the proto: no field is
// dropped.
func TestConversationsWithAFaultAreRefused(t *testing.T) {
	b := start(t, nil)
	message := func(m *hachiv1.Message) func(*hachiv1.Conversation) {
		return func(c *hachiv1.Conversation) { c.Messages = append([]*hachiv1.Message{m}, c.Messages...) }
	}
	calls := []*hachiv1.ToolCall{{Id: "c", Name: "f", Arguments: "{}"}}
	for mention, change := range map[string]func(*hachiv1.Conversation){
		"conversation.tools[1].parameters": func(c *hachiv1.Conversation) {
			c.Tools = []*hachiv1.Tool{weather, {Name: "g", Parameters: `{"properties":{"a":{"type":"strin"}}}`}}
		},
		"conversation.tools[1].name is": func(c *hachiv1.Conversation) { c.Tools = []*hachiv1.Tool{weather, weather} },
		"conversation.tools[1].parameters is not a JSON object: ": func(c *hachiv1.Conversation) {
			c.Tools = []*hachiv1.Tool{weather, {Name: "g", Parameters: `{"type":`}}
		},
		"conversation.tools[0].parameters is not a JSON object: expected a JSON object, found an array": func(c *hachiv1.Conversation) {
			c.Tools = []*hachiv1.Tool{{Name: "g", Parameters: `[]`}}
		},
		"conversation.tools[1].parameters no arguments can": func(c *hachiv1.Conversation) {
			c.Tools = []*hachiv1.Tool{weather, {Name: "g", Parameters: `{"properties":{"a":false},"required":["a"]}`}}
		},
		`conversation.template_args is not a JSON object: key "shade" appears twice`: func(c *hachiv1.Conversation) { c.TemplateArgs = `{"shade":1,"shade":2}` },
		"conversation.template_args is not a JSON object: expected":                  func(c *hachiv1.Conversation) { c.TemplateArgs = `null` },
		"conversation.tool_choice cannot be obeyed": func(c *hachiv1.Conversation) {
			c.RequiredTool = "g"
		},
		"conversation.tool_choice is 7": func(c *hachiv1.Conversation) { c.ToolChoice = 7 },
		"conversation.required_tool requires": func(c *hachiv1.Conversation) {
			c.ToolChoice, c.RequiredTool = hachiv1.ToolChoice_TOOL_CHOICE_NONE, "weather"
		},
		"conversation.template_args is not":                      func(c *hachiv1.Conversation) { c.TemplateArgs = "[]" },
		`conversation.template_args has ["shade"]`:               func(c *hachiv1.Conversation) { c.TemplateArgs = `{"shade":1}` },
		"tool_calls is for messages of the assistant":            message(&hachiv1.Message{Role: "user", Content: "x", ToolCalls: calls}),
		"reasoning is for messages of the assistant":             message(&hachiv1.Message{Role: "system", Content: "x", Reasoning: "y"}),
		"messages[0] has the role \"user\": tool_call_id is for": message(&hachiv1.Message{Role: "user", Content: "x", ToolCallId: "c"}),
		"name is for messages of the role tool":                  message(&hachiv1.Message{Role: "user", Content: "x", Name: "y"}),
		"tool_calls has a call without an id":                    message(&hachiv1.Message{Role: "assistant", ToolCalls: []*hachiv1.ToolCall{{Name: "f"}}}),
		"a call without an id or a name":                         message(&hachiv1.Message{Role: "assistant", ToolCalls: []*hachiv1.ToolCall{{Id: "c"}}}),
		`key "a" appears twice`:                                  func(c *hachiv1.Conversation) { c.TemplateArgs = `{"shade":{"a":1,"a":2}}` },
		"tool_call_id is missing":                                message(&hachiv1.Message{Role: "tool", Content: "x"}),
		"continued":                                              func(c *hachiv1.Conversation) { c.ContinueFinalMessage = true },
		"robot":                                                  message(&hachiv1.Message{Role: "robot", Content: "x"}),
	} {
		_, err := b.answer(t.Context(), asking(change))
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), mention) {
			t.Errorf("%v, want InvalidArgument and %q", err, mention)
		}
	}
	in := asking(func(c *hachiv1.Conversation) { c.Tools, c.RequiredTool = []*hachiv1.Tool{weather}, "weather" })
	in.StructuredOutput = &hachiv1.GenerateRequest_JsonObject{JsonObject: true}
	if _, err := b.answer(t.Context(), in); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "structured_output has no effect") {
		t.Errorf("a structured output of an answer without text: %v", err)
	}
	in = asking(func(c *hachiv1.Conversation) {
		c.Messages = append(c.Messages, &hachiv1.Message{Role: "assistant", Content: "Hello"})
		c.ContinueFinalMessage = true
	})
	in.StructuredOutput = &hachiv1.GenerateRequest_JsonSchema{JsonSchema: `{"type":"integer"}`}
	if _, err := b.answer(t.Context(), in); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "structured_output allows no text that begins as") {
		t.Errorf("a text that begins no structured output: %v", err)
	}
	if n := len(b.engine.Calls()); n != 0 {
		t.Errorf("%d bad requests reached the engine", n)
	}
}
