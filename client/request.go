package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
)

// Request is a ChatRequest or a CompletionRequest.
type Request interface {
	path() string
	body() (map[string]any, error)
}

// ChatRequest asks for the next turn of a conversation.
type ChatRequest struct {
	Messages []Message
	// Attributes are SteerLM attributes of every user message, 0 to 4, for
	// models whose template reads them.
	Attributes map[string]int
	// Tools are functions that the model may call.
	Tools []Tool
	// ToolChoice says whether it may: auto, none or required; "" is auto.
	ToolChoice string
	// RequiredTool makes the answer a call of the tool of this name.
	RequiredTool string
	// SingleToolCall allows at most one call in an answer.
	SingleToolCall bool
	Params
}

// CompletionRequest asks for the continuation of Prompt or of Tokens.
type CompletionRequest struct {
	Prompt string
	Tokens []int32 // used as they are, instead of Prompt
	Echo   bool    // the answer begins with the prompt
	Params
}

// Params are the parameters that both endpoints share. The zero value is a
// greedy answer of the server's default length.
type Params struct {
	MaxTokens   int     // 0 is the server's default
	Temperature float64 // 0 is greedy
	TopP        float64 // 0 is off
	TopK        int     // 0 is off
	MinP        float64 // 0 is off
	// Seed fixes the draws: the same request with the same seed has the same
	// answer. nil lets the server draw one.
	Seed      *uint64
	N         int      // answers; 0 is 1
	Stop      []string // texts that end the answer
	IgnoreEOS bool
	// Logprobs asks for every token's log probability, and for that of as many
	// alternatives; nil asks for none.
	Logprobs *int
	// Schema is the JSON Schema that the answer satisfies.
	Schema json.RawMessage
	// Extra are further parameters of docs/api.md by their names there. They
	// replace the fields above.
	Extra map[string]any
}

func (r ChatRequest) path() string { return "/v1/chat/completions" }

func (r ChatRequest) body() (map[string]any, error) {
	if len(r.Messages) == 0 {
		return nil, errors.New("chat request: Messages is empty")
	}
	body := r.Params.body()
	body["messages"] = r.Messages
	if len(r.Attributes) > 0 {
		body["attributes"] = r.Attributes
	}
	if err := r.putTools(body); err != nil {
		return nil, err
	}
	if r.Logprobs != nil {
		body["logprobs"], body["top_logprobs"] = true, *r.Logprobs
	}
	maps.Copy(body, r.Extra)
	return body, nil
}

func (r CompletionRequest) path() string { return "/v1/completions" }

func (r CompletionRequest) body() (map[string]any, error) {
	if r.Prompt != "" && r.Tokens != nil {
		return nil, fmt.Errorf("completion request: Prompt and %d Tokens are both set", len(r.Tokens))
	}
	body := r.Params.body()
	body["prompt"] = any(r.Prompt)
	if r.Tokens != nil {
		body["prompt"] = r.Tokens
	}
	if r.Echo {
		body["echo"] = true
	}
	if r.Logprobs != nil {
		body["logprobs"] = *r.Logprobs
	}
	maps.Copy(body, r.Extra)
	return body, nil
}

// body has the parameters that are set, under their names on the wire.
func (p Params) body() map[string]any {
	body := map[string]any{"temperature": p.Temperature}
	put := func(name string, value any, set bool) {
		if set {
			body[name] = value
		}
	}
	put("max_tokens", p.MaxTokens, p.MaxTokens != 0)
	put("top_p", p.TopP, p.TopP != 0)
	put("top_k", p.TopK, p.TopK != 0)
	put("min_p", p.MinP, p.MinP != 0)
	put("seed", p.Seed, p.Seed != nil)
	put("n", p.N, p.N != 0)
	put("stop", p.Stop, len(p.Stop) > 0)
	put("ignore_eos", true, p.IgnoreEOS)
	put("structured_outputs", map[string]any{"json": p.Schema}, p.Schema != nil)
	return body
}
