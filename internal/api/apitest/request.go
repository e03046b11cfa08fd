package apitest

import (
	"encoding/json"

	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// Request is a request that every API can make.
type Request struct {
	Messages    []chat.Message
	Attributes  chat.Attributes
	Tools       []tool.Tool
	Choice      tool.Choice
	Parallel    bool
	MaxTokens   int
	Temperature float64
	Seed        uint64
	Stop        []string
}

// object is a JSON object.
type object = map[string]any

// common are the parameters that have one name in every API.
func (q Request) common(stream bool) object {
	return object{"stream": stream, "seed": q.Seed, "temperature": q.Temperature, "attributes": q.Attributes}
}

// ChatBody is the body of POST /v1/chat/completions.
func (q Request) ChatBody(stream bool) []byte {
	body := q.common(stream)
	var messages []object
	for _, m := range q.Messages {
		one := withAttributes(object{"role": m.Role, "content": m.Content}, m)
		if m.Role == "tool" {
			one["tool_call_id"] = m.ToolCallID
		}
		var calls []object
		for _, c := range m.ToolCalls {
			calls = append(calls, object{"id": c.ID, "type": "function", "function": object{"name": c.Name, "arguments": c.Arguments}})
		}
		if calls != nil {
			one["tool_calls"] = calls
		}
		if m.Reasoning != "" {
			one["reasoning_content"] = m.Reasoning
		}
		messages = append(messages, one)
	}
	body["messages"], body["max_tokens"], body["stop"] = messages, q.MaxTokens, q.Stop
	if len(q.Tools) > 0 {
		var tools []object
		for _, t := range q.Tools {
			tools = append(tools, object{"type": "function", "function": object{"name": t.Name, "description": t.Description, "parameters": t.Parameters}})
		}
		named := object{"type": "function", "function": object{"name": q.Choice.Name}}
		body["tools"], body["tool_choice"], body["parallel_tool_calls"] = tools, q.choice("auto", "none", "required", named), q.Parallel
	}
	return encode(body)
}

// ResponsesBody is the body of POST /v1/responses.
func (q Request) ResponsesBody(stream bool) []byte {
	body := q.common(stream)
	var items []object
	for _, m := range q.Messages {
		if m.Reasoning != "" {
			items = append(items, object{"type": "reasoning", "summary": []object{}, "content": []object{{"type": "reasoning_text", "text": m.Reasoning}}})
		}
		switch {
		case m.Role == "tool":
			items = append(items, object{"type": "function_call_output", "call_id": m.ToolCallID, "output": m.Content})
		case m.Content != "" || len(m.ToolCalls) == 0:
			items = append(items, withAttributes(object{"role": m.Role, "content": m.Content}, m))
		}
		for _, c := range m.ToolCalls {
			items = append(items, object{"type": "function_call", "call_id": c.ID, "name": c.Name, "arguments": c.Arguments})
		}
	}
	body["input"], body["max_output_tokens"], body["stop"] = items, q.MaxTokens, q.Stop
	if len(q.Tools) > 0 {
		var tools []object
		for _, t := range q.Tools {
			tools = append(tools, object{"type": "function", "name": t.Name, "description": t.Description, "parameters": t.Parameters})
		}
		named := object{"type": "function", "name": q.Choice.Name}
		body["tools"], body["tool_choice"], body["parallel_tool_calls"] = tools, q.choice("auto", "none", "required", named), q.Parallel
	}
	return encode(body)
}

// MessagesBody is the body of POST /v1/messages.
func (q Request) MessagesBody(stream bool) []byte {
	body := q.common(stream)
	var messages []object
	for _, m := range q.Messages {
		if m.Role == "tool" {
			result := object{"type": "tool_result", "tool_use_id": m.ToolCallID, "content": m.Content}
			messages = append(messages, object{"role": "user", "content": []object{result}})
			continue
		}
		var blocks []object
		if m.Reasoning != "" {
			blocks = append(blocks, object{"type": "thinking", "thinking": m.Reasoning})
		}
		if m.Content != "" || len(m.ToolCalls) == 0 {
			blocks = append(blocks, object{"type": "text", "text": m.Content})
		}
		for _, c := range m.ToolCalls {
			blocks = append(blocks, object{"type": "tool_use", "id": c.ID, "name": c.Name, "input": json.RawMessage(c.Arguments)})
		}
		messages = append(messages, withAttributes(object{"role": m.Role, "content": blocks}, m))
	}
	body["messages"], body["max_tokens"], body["stop_sequences"] = messages, q.MaxTokens, q.Stop
	if len(q.Tools) > 0 {
		var tools []object
		for _, t := range q.Tools {
			tools = append(tools, object{"name": t.Name, "description": t.Description, "input_schema": t.Schema()})
		}
		kind := q.choice("auto", "none", "any", "tool")
		choice := object{"type": kind, "disable_parallel_tool_use": !q.Parallel}
		if kind == "tool" {
			choice["name"] = q.Choice.Name
		}
		body["tools"], body["tool_choice"] = tools, choice
	}
	return encode(body)
}

// choice is the word of an API for each mode.
func (q Request) choice(auto, none, required, named any) any {
	return map[tool.Mode]any{tool.Auto: auto, tool.None: none, tool.Required: required, tool.Named: named}[q.Choice.Mode]
}

// withAttributes adds a message's attributes as keys of its own.
func withAttributes(to object, m chat.Message) object {
	for name, v := range m.Attributes {
		to[name] = v
	}
	return to
}

func encode(body any) []byte {
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // a test made a request that is not JSON
	}
	return raw
}
