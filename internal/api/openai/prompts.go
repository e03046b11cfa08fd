package openai

import (
	"encoding/json"
	"fmt"

	"github.com/hachi-serve/hachi/internal/api/completion"
)

// prompts reads the prompt of a completion: a text, texts, tokens, or lists of
// tokens. A text gets exactly one BOS; tokens are used as they are.
func (s *Server) prompts(f fields) ([][]int32, error) {
	const param = "prompt"
	if !f.has(param) {
		return nil, invalid(param, codeMissing, "prompt is missing: a text, texts, tokens, or lists of tokens")
	}
	raw := f[param]
	var prompts [][]int32
	var err error
	switch elementKind(raw) {
	case "a string":
		prompts, err = s.textPrompts(raw)
	case "a number":
		var one []int32
		one, err = s.tokens(param, raw)
		prompts = [][]int32{one}
	case "a list":
		prompts, err = s.tokenPrompts(raw)
	default:
		err = invalid(param, codeType, "prompt is neither a text, texts, tokens nor lists of tokens")
	}
	if err != nil {
		return nil, err
	}
	for i, prompt := range prompts {
		if err := s.cfg.Completer.Check(prompt); err != nil {
			return nil, about(nth(param, i, len(prompts)), err)
		}
	}
	return prompts, nil
}

// elementKind is the kind of a list's first element, or of a value itself.
func elementKind(raw json.RawMessage) string {
	if kindOf(raw) != "a list" {
		if kindOf(raw) == "a string" {
			return "a string"
		}
		return ""
	}
	inner := raw[1:]
	for len(inner) > 0 && (inner[0] == ' ' || inner[0] == '\t' || inner[0] == '\n' || inner[0] == '\r') {
		inner = inner[1:]
	}
	if len(inner) == 0 || inner[0] == ']' {
		return ""
	}
	return kindOf(inner)
}

// nth names one of several prompts; the only one has no number.
func nth(param string, i, of int) string {
	if of == 1 {
		return param
	}
	return fmt.Sprintf("%s[%d]", param, i)
}

func (s *Server) textPrompts(raw json.RawMessage) ([][]int32, error) {
	if kindOf(raw) == "a string" {
		return [][]int32{s.cfg.Completer.Tokenizer.Prompt(asText(raw))}, nil
	}
	texts, ok := listOfTexts(raw)
	if !ok {
		return nil, invalid("prompt", codeType, "prompt begins with a text and goes on with something else")
	}
	if err := s.countChoices(len(texts), 1); err != nil {
		return nil, err
	}
	prompts := make([][]int32, len(texts))
	for i, text := range texts {
		prompts[i] = s.cfg.Completer.Tokenizer.Prompt(text)
	}
	return prompts, nil
}

func (s *Server) tokenPrompts(raw json.RawMessage) ([][]int32, error) {
	lists, _ := listOf(raw)
	if err := s.countChoices(len(lists), 1); err != nil {
		return nil, err
	}
	prompts := make([][]int32, len(lists))
	for i, list := range lists {
		var err error
		if prompts[i], err = s.tokens(fmt.Sprintf("prompt[%d]", i), list); err != nil {
			return nil, err
		}
	}
	return prompts, nil
}

// tokenID is a token in JSON: an integer, and nothing that Go would take for
// one.
type tokenID int64

// UnmarshalJSON implements json.Unmarshaler.
func (t *tokenID) UnmarshalJSON(raw []byte) error {
	x, ok := whole(raw)
	if kindOf(raw) != "a number" || !ok {
		return fmt.Errorf("has %s, expected the integer of a token", raw[:min(len(raw), 20)])
	}
	*t = tokenID(x)
	return nil
}

// tokens reads a list of tokens.
func (s *Server) tokens(param string, raw json.RawMessage) ([]int32, error) {
	if kindOf(raw) != "a list" {
		return nil, invalid(param, codeType, param+" is "+kindOf(raw)+", expected a list of tokens")
	}
	var ids []tokenID
	if err := json.Unmarshal(raw, &ids); err != nil {
		return nil, invalid(param, codeType, param+" "+err.Error())
	}
	tokens, err := completion.Tokens(s.cfg.Completer, ids)
	return tokens, about(param, err)
}
