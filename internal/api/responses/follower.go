package responses

import (
	"cmp"
	"context"
	"time"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/logprobs"
	"github.com/hachi-serve/hachi/internal/router/engine"
)

// follower writes an answer as it is generated.
type follower struct {
	*server
	reader   *completion.Reader
	writer   *writer
	logprobs int // alternatives to show of each token; -1 is no log probabilities
}

// follow writes the whole answer.
func (f *follower) follow(ctx context.Context) error {
	f.writer.begin()
	for f.writer.err == nil {
		d, err := f.reader.Next(ctx)
		if err != nil {
			return err
		}
		f.write(d)
		if d.Finish != engine.NotFinished {
			f.writer.finish(cutBy(d.Finish), f.usage(), time.Now().Unix())
			break
		}
	}
	return f.writer.err
}

// write adds the parts of a delta.
func (f *follower) write(d completion.Delta) {
	tokens := f.shown(d)
	for _, p := range d.Parts {
		switch p.Kind {
		case completion.Text:
			f.writer.addText(p.Text, tokens)
			tokens = nil
		case completion.Reasoning:
			f.writer.addReasoning(p.Text)
		case completion.CallBegun:
			f.writer.addCall(p.ID, p.Name)
		case completion.Arguments:
			f.writer.addArguments(p.Text)
		}
	}
	if len(d.Parts) == 0 && len(tokens) > 0 && f.writer.speaks() {
		f.writer.addText("", tokens)
	}
}

// shown are the tokens of a delta, if the client asked for them. They are of its
// text: reasoning and calls have no log probabilities in this API.
func (f *follower) shown(d completion.Delta) []logprobs.Token {
	if f.logprobs < 0 {
		return nil
	}
	return f.tokens.Tokens(d.Tokens, f.logprobs)
}

// cutBy is what cut an answer; "" is nothing.
func cutBy(reason engine.FinishReason) string {
	if reason == engine.Length {
		return "max_output_tokens"
	}
	return ""
}

func (f *follower) usage() tokenUsage {
	u := tokenUsage{
		Input: len(f.reader.Prompt()), InputDetails: inputDetails{Cached: f.reader.Cached},
		Output: f.reader.Generated, Details: outputDetails{Reasoning: f.reader.Reasoned},
	}
	u.Total = u.Input + u.Output
	return u
}

// failure ends a stream: response.failed for clients that follow the answer, then
// an error, with the keys that OpenAI documents and the object that its clients
// read.
func (f *follower) failure(e *httpapi.Error, requestID string) httpapi.Event {
	code := cmp.Or(e.Code, e.Type)
	f.writer.fail(problem{Code: code, Message: e.Message})
	return httpapi.Event{Name: "error", Data: errorEvent{
		Type: "error", Sequence: f.writer.sequence, Code: code, Message: e.Message, Error: f.shape(e, requestID),
	}}
}

// errorEvent is the last event of a stream that failed.
type errorEvent struct {
	Type     string  `json:"type"`
	Sequence int     `json:"sequence_number"`
	Code     string  `json:"code"`
	Message  string  `json:"message"`
	Param    *string `json:"param"`
	Error    any     `json:"error"`
}
