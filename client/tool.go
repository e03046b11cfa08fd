package client

import (
	"encoding/json"
	"fmt"
)

// Message is one turn.
type Message struct {
	Role    string `json:"role"` // system, user, assistant or tool
	Content string `json:"content"`
	// Reasoning is what the assistant thought before Content.
	Reasoning string `json:"reasoning_content,omitempty"`
	// ToolCalls are what the assistant called in this turn.
	ToolCalls []ToolCall `json:"tool_calls,omitempty"`
	// ToolCallID is the call of which a message of the role tool is the result.
	ToolCallID string `json:"tool_call_id,omitempty"`
}

// Add appends a chunk of a streamed answer: the chunks of a choice sum up to the
// assistant's message.
func (m *Message) Add(c Chunk) {
	m.Role = "assistant"
	m.Content += c.Text
	m.Reasoning += c.Reasoning
	for _, d := range c.ToolCalls {
		for len(m.ToolCalls) <= d.Index {
			m.ToolCalls = append(m.ToolCalls, ToolCall{})
		}
		call := &m.ToolCalls[d.Index]
		call.ID, call.Name, call.Arguments = call.ID+d.ID, call.Name+d.Name, call.Arguments+d.Arguments
	}
}

// Tool is a function that the model may call.
type Tool struct {
	Name        string // 1 to 128 letters, digits, '_' and '-'
	Description string
	// Parameters is the JSON Schema of the arguments, which are an object and
	// always satisfy it; nil is a function without parameters.
	Parameters json.RawMessage
}

// ToolCall is a call of a tool.
type ToolCall struct {
	// ID joins the call and its result.
	ID        string
	Name      string
	Arguments string // a JSON object, as the model wrote it
}

// ToolCallDelta begins a call, or is a piece of its arguments.
type ToolCallDelta struct {
	Index     int    // of the call in the answer
	ID, Name  string // where the call begins
	Arguments string
}

// wireTool is a tool on the wire.
type wireTool struct {
	Type     string       `json:"type"`
	Function wireFunction `json:"function"`
}

type wireFunction struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
}

// wireCall is a call on the wire, or a delta of one.
type wireCall struct {
	Index    int          `json:"index,omitempty"`
	ID       string       `json:"id"`
	Type     string       `json:"type"`
	Function callFunction `json:"function"`
}

type callFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// function is the only type of tools.
const function = "function"

// MarshalJSON writes the tool as the API has it.
func (t Tool) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireTool{function, wireFunction(t)})
}

// MarshalJSON writes the call as the API has it.
func (c ToolCall) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireCall{ID: c.ID, Type: function, Function: callFunction{c.Name, c.Arguments}})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *ToolCall) UnmarshalJSON(raw []byte) error {
	var w wireCall
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	*c = ToolCall{w.ID, w.Function.Name, w.Function.Arguments}
	return nil
}

// putTools adds the tools and the choice among them to a body.
func (r ChatRequest) putTools(body map[string]any) error {
	if r.RequiredTool != "" && r.ToolChoice != "" {
		return fmt.Errorf("chat request: ToolChoice %q and RequiredTool %q are both set", r.ToolChoice, r.RequiredTool)
	}
	if len(r.Tools) > 0 {
		body["tools"] = r.Tools
	}
	if r.ToolChoice != "" {
		body["tool_choice"] = r.ToolChoice
	}
	if r.RequiredTool != "" {
		body["tool_choice"] = wireTool{function, wireFunction{Name: r.RequiredTool}}
	}
	if r.SingleToolCall {
		body["parallel_tool_calls"] = false
	}
	return nil
}
