package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
)

// Chunk is a part of one choice, in the order of generation.
type Chunk struct {
	Index     int // of the choice
	Text      string
	Reasoning string          // before Text, of models that reason
	ToolCalls []ToolCallDelta // of a chat with Tools
	Tokens    []Token         // with Params.Logprobs only
	Finish    string          // stop, length or tool_calls with a choice's last part
	// Usage comes with the stream's last chunk, which belongs to no choice.
	Usage *Usage
}

// Stream sends a request and yields its answer as the model generates it. The
// request is sent when the iteration starts; leaving the loop early cancels the
// request. A non-nil error is the last pair.
func (c *Client) Stream(ctx context.Context, r Request) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		resp, err := c.send(ctx, r, true)
		if err != nil {
			yield(Chunk{}, err)
			return
		}
		defer resp.Body.Close()
		for event, err := range events(resp.Body) {
			if err == nil && event.Error != nil {
				err = event.Error.error(0, resp.Header.Get(requestID))
			}
			if err != nil {
				yield(Chunk{}, err)
				return
			}
			for _, chunk := range event.chunks() {
				if !yield(chunk, nil) {
					return
				}
			}
		}
	}
}

// chunks leaves out what carries nothing: the opening of a chat's choice.
func (w wireAnswer) chunks() []Chunk {
	var out []Chunk
	for _, c := range w.Choices {
		chunk := Chunk{
			Index: c.Index, Text: c.text(), Reasoning: c.Delta.Reasoning, ToolCalls: c.Delta.deltas(),
			Tokens: c.Logprobs.tokens(), Finish: c.Finish,
		}
		if opening := c.Delta.Role != "" && chunk.Text+chunk.Reasoning+chunk.Finish == "" && chunk.ToolCalls == nil; !opening {
			out = append(out, chunk)
		}
	}
	if w.Usage != nil {
		out = append(out, Chunk{Usage: w.Usage})
	}
	return out
}

// maxEvent bounds one event of a stream.
const maxEvent = 4 << 20

// events reads server-sent events up to [DONE]. A body that ends before is an
// error.
func events(body io.Reader) iter.Seq2[wireAnswer, error] {
	return func(yield func(wireAnswer, error) bool) {
		lines := bufio.NewScanner(body)
		lines.Buffer(make([]byte, 0, 64<<10), maxEvent)
		for lines.Scan() {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok {
				continue
			}
			if data == "[DONE]" {
				return
			}
			var event wireAnswer
			if err := json.Unmarshal([]byte(data), &event); err != nil {
				yield(event, fmt.Errorf("event %.200q: %w", data, err))
				return
			}
			if !yield(event, nil) {
				return
			}
		}
		err := lines.Err()
		if err == nil {
			err = fmt.Errorf("the stream ended without [DONE]: %w", io.ErrUnexpectedEOF)
		}
		yield(wireAnswer{}, err)
	}
}
