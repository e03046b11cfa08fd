package openai

import (
	"context"
	"math"

	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// tokenize answers POST /tokenize: the tokens of a text, or of a conversation
// as the chat template renders it.
func (s *server) tokenize(c *httpapi.Call) error {
	r := c.Body
	var text string
	special := true
	generation.CheckModel(r, s.cfg.Model)
	r.Text("prompt", &text)
	r.Flag("add_special_tokens", &special)
	tokens := []int32{}
	within := tokenizer.Bound{Context: c.Context, Tokens: math.MaxInt}
	var err error
	switch {
	case r.Has("messages") && r.Has("prompt"):
		r.Fault("prompt", httpapi.CodeValue, "and messages are both there, expected one of them")
	case r.Has("messages"):
		if tokens, err = s.tokenizeTurn(c.Context, r); err != nil {
			return err
		}
	case !r.Has("prompt"):
		r.Require("prompt", "the text to tokenize")
	case special:
		tokens, err = s.cfg.Completer.Tokenizer.PromptWithin(within, text)
	case text != "":
		tokens, err = s.cfg.Completer.Tokenizer.EncodeWithin(within, text)
	}
	if err != nil {
		return err
	}
	if refuseUnread(r); r.Err() != nil {
		return r.Err()
	}
	c.Answer(map[string]any{"tokens": tokens, "count": len(tokens), "max_model_len": s.cfg.Completer.Context})
	return nil
}

// tokenizeTurn returns the prompt of a chat, unless a chat with this body would be refused.
// Its template writes the special tokens.
func (s *server) tokenizeTurn(ctx context.Context, r *httpapi.Reader) ([]int32, error) {
	if r.Is("add_special_tokens", "true") {
		r.Fault("add_special_tokens", httpapi.CodeValue, "is true, but the chat template writes the special tokens of messages: leave it out")
	}
	turn, err := s.turn(ctx, r, structuredOutput(r))
	if err != nil {
		return nil, err
	}
	return turn.Prompt, turn.renamed(s.cfg.Completer.Accepts(ctx, turn.Request()))
}

// detokenize answers POST /detokenize: the text of tokens.
func (s *server) detokenize(c *httpapi.Call) error {
	r := c.Body
	generation.CheckModel(r, s.cfg.Model)
	r.Require("tokens", "the list to turn into text")
	raw, _ := r.Any("tokens")
	if refuseUnread(r); r.Err() != nil {
		return r.Err()
	}
	tokens, err := s.tokens(r, "tokens", raw, math.MaxInt)
	if err != nil {
		return err
	}
	c.Answer(map[string]any{"prompt": s.cfg.Completer.Tokenizer.Decode(tokens)})
	return nil
}
