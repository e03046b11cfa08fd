package openai

import (
	"encoding/json"
	"fmt"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

// prompts reads the prompt of a completion: a text, texts, tokens, or lists of
// tokens. A text gets exactly one BOS; tokens are used as they are.
func (s *server) prompts(r *httpapi.Reader) ([][]int32, error) {
	const param = "prompt"
	r.Require(param, "a text, texts, tokens, or lists of tokens")
	raw, ok := r.Any(param)
	if !ok {
		return nil, r.Err()
	}
	var prompts [][]int32
	var err error
	switch elementKind(raw) {
	case httpapi.KindString:
		prompts, err = s.textPrompts(raw)
	case httpapi.KindNumber:
		var one []int32
		one, err = s.tokens(param, raw)
		prompts = [][]int32{one}
	case httpapi.KindList:
		prompts, err = s.tokenPrompts(raw)
	default:
		err = httpapi.Invalid(param, httpapi.CodeType, "prompt is neither a text, texts, tokens nor lists of tokens")
	}
	if err != nil {
		return nil, err
	}
	for i, prompt := range prompts {
		if err := s.cfg.Completer.Check(prompt); err != nil {
			return nil, httpapi.About(nth(param, i, len(prompts)), err)
		}
	}
	return prompts, nil
}

// elementKind is the kind of a list's first element, or of a value itself.
func elementKind(raw json.RawMessage) string {
	if httpapi.KindOf(raw) != httpapi.KindList {
		if httpapi.KindOf(raw) == httpapi.KindString {
			return httpapi.KindString
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
	return httpapi.KindOf(inner)
}

// nth names one of several prompts; the only one has no number.
func nth(param string, i, of int) string {
	if of == 1 {
		return param
	}
	return fmt.Sprintf("%s[%d]", param, i)
}

func (s *server) textPrompts(raw json.RawMessage) ([][]int32, error) {
	if httpapi.KindOf(raw) == httpapi.KindString {
		return [][]int32{s.cfg.Completer.Tokenizer.Prompt(httpapi.Text(raw))}, nil
	}
	texts, ok := httpapi.Texts(raw)
	if !ok {
		return nil, httpapi.Invalid("prompt", httpapi.CodeType, "prompt begins with a text and goes on with something else")
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

func (s *server) tokenPrompts(raw json.RawMessage) ([][]int32, error) {
	lists, _ := httpapi.List(raw)
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
	x, ok := httpapi.Whole(raw)
	if httpapi.KindOf(raw) != httpapi.KindNumber || !ok {
		return fmt.Errorf("has %s, expected the integer of a token", raw[:min(len(raw), 20)])
	}
	*t = tokenID(x)
	return nil
}

// tokens reads a list of tokens.
func (s *server) tokens(param string, raw json.RawMessage) ([]int32, error) {
	if httpapi.KindOf(raw) != httpapi.KindList {
		return nil, httpapi.Invalid(param, httpapi.CodeType, param+" is "+httpapi.KindOf(raw)+", expected a list of tokens")
	}
	var ids []tokenID
	if err := json.Unmarshal(raw, &ids); err != nil {
		return nil, httpapi.Invalid(param, httpapi.CodeType, param+" "+err.Error())
	}
	tokens, err := completion.Tokens(s.cfg.Completer, ids)
	return tokens, httpapi.About(param, err)
}
