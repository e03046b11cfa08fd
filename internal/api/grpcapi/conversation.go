package grpcapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/strictjson"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tool"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// conversation makes a request one for an answer to a conversation.
func (s *Server) conversation(ctx context.Context, in *hachiv1.Conversation, r *completion.Request) error {
	c := completion.Conversation{
		Attributes: attributes(in.GetAttributes()), Parallel: !in.GetSingleToolCall(), Output: r.Output, Continue: in.GetContinueFinalMessage(),
	}
	var err error
	if c.Tools, err = tools(in.GetTools()); err != nil {
		return err
	}
	if c.ToolChoice, err = toolChoice(in); err != nil {
		return err
	}
	for i, m := range in.GetMessages() {
		if err := checkMessage(i, m); err != nil {
			return err
		}
		c.Messages = append(c.Messages, message(m))
	}
	if c.TemplateArgs, err = templateArgs(in.GetTemplateArgs()); err != nil {
		return err
	}
	turn, err := s.service.Prepare(ctx, c)
	if err != nil {
		return err
	}
	if len(turn.IgnoredArgs) > 0 {
		return fault("conversation.template_args", fmt.Errorf("has %q, which the model's template does not read", turn.IgnoredArgs))
	}
	if turn.OutputUnused {
		return fault(structuredOutput, errors.New("has no effect: a call is required, so the answer has no text"))
	}
	turn.Answers(r)
	return nil
}

// templateArgs are variables for the chat template, one JSON object.
func templateArgs(args string) (map[string]any, error) {
	const param = "conversation.template_args"
	if args == "" {
		return nil, nil
	}
	if len(args) > completion.MaxArgBytes {
		return nil, fault(param, fmt.Errorf("has %d bytes, expected at most %d", len(args), completion.MaxArgBytes))
	}
	members, err := strictjson.Object([]byte(args))
	if err != nil {
		return nil, fault(param, fmt.Errorf("is not a JSON object: %w", err))
	}
	if err := strictjson.Distinct([]byte(args), completion.MaxArgBytes); err != nil {
		return nil, fault(param, fmt.Errorf("is not a JSON object: %w", err))
	}
	out := map[string]any{}
	for _, m := range members {
		out[m.Key] = m.Value
	}
	return out, nil
}

// tools are the functions that the model may call.
func tools(in []*hachiv1.Tool) ([]tool.Tool, error) {
	var all []tool.Tool
	for i, t := range in {
		one := tool.Tool{Name: t.GetName(), Description: t.GetDescription()}
		if p := t.GetParameters(); p != "" {
			if _, err := strictjson.Object([]byte(p)); err != nil {
				return nil, fault(fmt.Sprintf("conversation.tools[%d].parameters", i), fmt.Errorf("is not a JSON object: %w", err))
			}
			one.Parameters = json.RawMessage(p)
		}
		all = append(all, one)
	}
	return all, nil
}

// toolChoice says which tools may or must be called.
func toolChoice(in *hachiv1.Conversation) (tool.Choice, error) {
	name := in.GetRequiredTool()
	switch choice := in.GetToolChoice(); choice {
	case hachiv1.ToolChoice_TOOL_CHOICE_UNSPECIFIED, hachiv1.ToolChoice_TOOL_CHOICE_REQUIRED:
		switch {
		case name != "":
			return tool.Choice{Mode: tool.Named, Name: name}, nil
		case choice == hachiv1.ToolChoice_TOOL_CHOICE_REQUIRED:
			return tool.Choice{Mode: tool.Required}, nil
		}
		return tool.Choice{}, nil
	case hachiv1.ToolChoice_TOOL_CHOICE_NONE:
		if name != "" {
			return tool.Choice{}, fault("conversation.required_tool", errors.New("requires a call, but tool_choice allows none"))
		}
		return tool.Choice{Mode: tool.None}, nil
	default:
		return tool.Choice{}, fault("conversation.tool_choice", fmt.Errorf("is %d, expected a ToolChoice of the proto", choice))
	}
}

// checkMessage refuses the fields of a message that its role does not have: they
// would be dropped.
func checkMessage(i int, m *hachiv1.Message) error {
	wrong := ""
	switch assistant, result := m.GetRole() == "assistant", m.GetRole() == "tool"; {
	case len(m.GetToolCalls()) > 0 && !assistant:
		wrong = "tool_calls is for messages of the assistant"
	case m.GetReasoning() != "" && !assistant:
		wrong = "reasoning is for messages of the assistant"
	case m.GetToolCallId() != "" && !result:
		wrong = "tool_call_id is for messages of the role tool"
	case m.GetName() != "" && !result:
		wrong = "name is for messages of the role tool"
	case m.GetToolCallId() == "" && result:
		wrong = "tool_call_id is missing: the call of which the message is the result"
	case slices.ContainsFunc(m.GetToolCalls(), func(c *hachiv1.ToolCall) bool { return c.GetId() == "" || c.GetName() == "" }):
		wrong = "tool_calls has a call without an id or a name"
	}
	if wrong == "" {
		return nil
	}
	return fault(fmt.Sprintf("conversation.messages[%d]", i), fmt.Errorf("has the role %q: %s", m.GetRole(), wrong))
}

// message converts a turn.
func message(m *hachiv1.Message) chat.Message {
	out := chat.Message{
		Role: m.GetRole(), Content: m.GetContent(), Attributes: attributes(m.GetAttributes()),
		ToolCallID: m.GetToolCallId(), Name: m.GetName(), Reasoning: m.GetReasoning(),
	}
	for _, c := range m.GetToolCalls() {
		out.ToolCalls = append(out.ToolCalls, tool.Call{ID: c.GetId(), Name: c.GetName(), Arguments: c.GetArguments()})
	}
	return out
}

func attributes(in map[string]uint32) map[string]int {
	out := map[string]int{}
	for name, v := range in {
		out[name] = int(v)
	}
	return out
}
