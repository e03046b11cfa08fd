package openai

import "net/http"

// tokenize answers POST /tokenize: the tokens of a text, or of a conversation
// as the chat template renders it.
func (s *Server) tokenize(c call) error {
	f := c.fields
	r := &reader{f: f}
	var name, text string
	special := true
	r.text("model", &name)
	r.text("prompt", &text)
	r.flag("add_special_tokens", &special)
	if r.err != nil {
		return r.err
	}
	if err := s.known(name); err != nil {
		return err
	}
	tokens := []int32{}
	switch {
	case f.has("messages") && f.has("prompt"):
		return invalid("prompt", codeValue, "prompt and messages are both there, expected one of them")
	case f.has("messages"):
		turn, err := s.turn(f, nil)
		if err != nil {
			return err
		}
		tokens = turn.Prompt
	case !f.has("prompt"):
		return invalid("prompt", codeMissing, "prompt is missing: the text to tokenize")
	case special:
		tokens = s.cfg.Completer.Tokenizer.Prompt(text)
	case text != "":
		tokens = s.cfg.Completer.Tokenizer.Encode(text)
	}
	write(c.w, http.StatusOK, map[string]any{"tokens": tokens, "count": len(tokens), "max_model_len": s.cfg.Completer.Context})
	return nil
}

// detokenize answers POST /detokenize: the text of tokens.
func (s *Server) detokenize(c call) error {
	f := c.fields
	r := &reader{f: f}
	var name string
	if r.text("model", &name); r.err != nil {
		return r.err
	}
	if err := s.known(name); err != nil {
		return err
	}
	if !f.has("tokens") {
		return invalid("tokens", codeMissing, "tokens is missing: the list to turn into text")
	}
	tokens, err := s.tokens("tokens", f["tokens"])
	if err != nil {
		return err
	}
	write(c.w, http.StatusOK, map[string]any{"prompt": s.cfg.Completer.Tokenizer.Decode(tokens)})
	return nil
}
