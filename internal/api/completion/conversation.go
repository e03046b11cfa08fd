package completion

import (
	"errors"

	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// Conversation is what an answer is a turn of, whatever API it comes by.
type Conversation struct {
	Messages []chat.Message
	// Attributes are the request's. They override the server's.
	Attributes chat.Attributes
	Tools      []tool.Tool
	ToolChoice tool.Choice
	// Parallel allows several calls in one answer.
	Parallel bool
	// Output is what the text of the answer must be; nil is any text.
	Output *StructuredOutput
	// Continue makes the answer the continuation of the last message, which is the
	// assistant's.
	Continue bool
	// TemplateArgs are variables for the chat template.
	TemplateArgs map[string]any
}

// Turn is a turn of the model, prepared: the prompt, and how its answer is
// constrained and read. It is immutable; any number of answers may share it.
type Turn struct {
	// Prompt is the conversation in tokens. It must not be changed.
	Prompt []int32
	// IgnoredArgs are the names of the TemplateArgs that the template does not read.
	IgnoredArgs []string

	output *StructuredOutput
}

// Prepare renders a conversation and settles how it is answered. The error is a
// *Fault; Params have the names of the chat completions of the OpenAI API.
func (s Service) Prepare(c Conversation) (*Turn, error) {
	if len(c.Tools) > 0 && c.ToolChoice.Mode != tool.None {
		return nil, &Fault{"tools", CodeUnsupported, errors.New("is not supported here")}
	}
	prompt, err := s.Template.Tokens(c.Messages, chat.Merge(s.Attributes, c.Attributes))
	if err != nil {
		return nil, invalid("messages", "cannot be answered: %w", err)
	}
	return &Turn{Prompt: prompt, output: c.Output}, nil
}

// Answers makes a request one for an answer to this turn. It sets Prompt, NewText
// and Output.
func (t *Turn) Answers(r *Request) {
	r.Prompt, r.NewText, r.Output, r.turn = t.Prompt, true, t.output, t
}
