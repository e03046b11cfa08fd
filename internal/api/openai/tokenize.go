package openai

import (
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
		turn, err := s.turn(c.Context, r, nil)
		if err != nil {
			return err
		}
		tokens = turn.Prompt
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
