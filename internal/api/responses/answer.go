package responses

import (
	"encoding/json"

	"github.com/hachi-serve/hachi/internal/api/logprobs"
)

// Statuses of an answer and of its items.
const (
	inProgress = "in_progress"
	completed  = "completed"
	incomplete = "incomplete"
	failed     = "failed"
)

// Types of items.
const (
	typeMessage   = "message"
	typeReasoning = "reasoning"
	typeCall      = "function_call"
	typeOutput    = "function_call_output"
	typeReference = "item_reference"
)

// Types of the parts of an item's content.
const (
	outputText    = "output_text"
	inputText     = "input_text"
	reasoningText = "reasoning_text"
	summaryText   = "summary_text"
	refusal       = "refusal"
)

// answer is a response: the object that a whole answer is, and that the first
// and the last events of a stream carry. It repeats the parameters that it was
// made with.
type answer struct {
	ID         string      `json:"id"`
	Object     string      `json:"object"`
	Created    int64       `json:"created_at"`   // Unix time, seconds
	Completed  *int64      `json:"completed_at"` // null until the end
	Status     string      `json:"status"`
	Error      *problem    `json:"error"`
	Incomplete *cut        `json:"incomplete_details"`
	Model      string      `json:"model"`
	Output     []*item     `json:"output"`
	Usage      *tokenUsage `json:"usage"` // null until the end
	echo
}

// echo is what an answer repeats of its request. What this API does not have is
// null or off.
type echo struct {
	Instructions *string         `json:"instructions"`
	MaxTokens    *int            `json:"max_output_tokens"`
	MaxToolCalls *int            `json:"max_tool_calls"`
	Metadata     json.RawMessage `json:"metadata"`
	Parallel     bool            `json:"parallel_tool_calls"`
	Previous     *string         `json:"previous_response_id"`
	Reasoning    reasoningEcho   `json:"reasoning"`
	Background   bool            `json:"background"`
	ServiceTier  string          `json:"service_tier"`
	Store        bool            `json:"store"`
	Temperature  float64         `json:"temperature"`
	Text         textEcho        `json:"text"`
	ToolChoice   any             `json:"tool_choice"`
	Tools        []toolEcho      `json:"tools"`
	TopLogprobs  int             `json:"top_logprobs"`
	TopP         float64         `json:"top_p"`
	Truncation   string          `json:"truncation"`
	User         *string         `json:"user"`
}

// reasoningEcho says that no effort was asked for and no summary is made.
type reasoningEcho struct {
	Effort  *string `json:"effort"`
	Summary *string `json:"summary"`
}

type textEcho struct {
	Format json.RawMessage `json:"format"`
}

// cut says why an answer is incomplete.
type cut struct {
	Reason string `json:"reason"`
}

// problem is why an answer failed.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// tokenUsage counts tokens.
type tokenUsage struct {
	Input        int           `json:"input_tokens"`
	InputDetails inputDetails  `json:"input_tokens_details"`
	Output       int           `json:"output_tokens"`
	Details      outputDetails `json:"output_tokens_details"`
	Total        int           `json:"total_tokens"`
}

type inputDetails struct {
	// Cached are the tokens of the prompt that the prefix cache had; Written is 0:
	// writing to the cache costs nothing.
	Cached  int `json:"cached_tokens"`
	Written int `json:"cache_write_tokens"`
}

type outputDetails struct {
	Reasoning int `json:"reasoning_tokens"`
}

// item is an element of an answer's output: a message, reasoning or a function
// call.
type item struct {
	ID        string  `json:"id"`
	Type      string  `json:"type"`
	Status    string  `json:"status"`
	Role      string  `json:"role,omitempty"`    // of a message
	Summary   []part  `json:"summary,omitzero"`  // of reasoning, empty: the reasoning is whole
	Content   []part  `json:"content,omitzero"`  // of a message or of reasoning
	CallID    string  `json:"call_id,omitempty"` // of a function call, and the rest
	Name      string  `json:"name,omitempty"`
	Arguments *string `json:"arguments,omitempty"`
}

// part is a text in an item's content.
type part struct {
	Type        string           `json:"type"`
	Text        string           `json:"text"`
	Annotations []none           `json:"annotations,omitzero"` // of output_text, empty
	Logprobs    []logprobs.Token `json:"logprobs,omitzero"`    // of output_text
}

type none struct{}
