package anthropic

import "encoding/json"

// Types of content blocks.
const (
	typeText             = "text"
	typeThinking         = "thinking"
	typeRedactedThinking = "redacted_thinking"
	typeToolUse          = "tool_use"
	typeToolResult       = "tool_result"
)

// Reasons why a message ends.
const (
	endTurn      = "end_turn"
	maxTokens    = "max_tokens"
	stopSequence = "stop_sequence"
	toolUse      = "tool_use"
	contextFull  = "model_context_window_exceeded"
)

// message is an answer. The first event of a stream carries one without content.
type message struct {
	ID      string  `json:"id"`
	Type    string  `json:"type"`
	Role    string  `json:"role"`
	Model   string  `json:"model"`
	Content []block `json:"content"`
	ending
	Usage tokenUsage `json:"usage"`
}

// ending says why a message ended; null while it grows.
type ending struct {
	Reason   *string `json:"stop_reason"`
	Sequence *string `json:"stop_sequence"` // the text that ended it
}

// tokenUsage counts tokens.
type tokenUsage struct {
	Input   int `json:"input_tokens"`                // of the prompt, without those read from the cache
	Written int `json:"cache_creation_input_tokens"` // 0: writing to the cache costs nothing
	Cached  int `json:"cache_read_input_tokens"`     // of the prompt, from the prefix cache
	Output  int `json:"output_tokens"`
}

// block is an element of a message's content: text, thinking or a tool's use.
// Which keys it has depends on its type.
type block struct {
	Type      string          `json:"type"`
	Text      *string         `json:"text,omitempty"`
	Thinking  *string         `json:"thinking,omitempty"`
	Signature *string         `json:"signature,omitempty"` // of thinking, empty: nothing is signed
	ID        string          `json:"id,omitempty"`        // of a tool's use, and the rest
	Name      string          `json:"name,omitempty"`
	Input     json.RawMessage `json:"input,omitempty"`
}
