package openai

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/strictjson"
)

// prompts reads the prompt of a completion: a text, texts, tokens, or lists of
// tokens. A text gets exactly one BOS; tokens are used as they are.
func (s *server) prompts(ctx context.Context, r *httpapi.Reader) ([][]int32, error) {
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
		prompts, err = s.textPrompts(ctx, r, raw)
	case httpapi.KindNumber:
		var one []int32
		one, err = s.tokens(r, param, raw, s.cfg.Completer.Context)
		prompts = [][]int32{one}
	case httpapi.KindList:
		prompts, err = s.tokenPrompts(r, raw)
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

func (s *server) textPrompts(ctx context.Context, r *httpapi.Reader, raw json.RawMessage) ([][]int32, error) {
	const param = "prompt"
	list := []json.RawMessage{raw}
	if httpapi.KindOf(raw) == httpapi.KindList {
		list = r.Elements(param, raw)
	}
	if err := s.countChoices(len(list), 1); err != nil {
		return nil, err
	}
	prompts := make([][]int32, len(list))
	for i, one := range list {
		if httpapi.KindOf(one) != httpapi.KindString {
			return nil, httpapi.Invalid(param, httpapi.CodeType, "prompt begins with a text and goes on with something else")
		}
		text := r.Decode(param, one)
		if r.Err() != nil {
			return nil, r.Err()
		}
		var err error
		if prompts[i], err = s.cfg.Completer.Prompt(ctx, text); err != nil {
			return nil, httpapi.About(nth(param, i, len(list)), err)
		}
	}
	return prompts, r.Err()
}

func (s *server) tokenPrompts(r *httpapi.Reader, raw json.RawMessage) ([][]int32, error) {
	const param = "prompt"
	lists := r.Elements(param, raw)
	if err := s.countChoices(len(lists), 1); err != nil {
		return nil, err
	}
	prompts := make([][]int32, len(lists))
	for i, list := range lists {
		var err error
		if prompts[i], err = s.tokens(r, nth(param, i, 2), list, s.cfg.Completer.Context); err != nil {
			return nil, err
		}
	}
	return prompts, r.Err()
}

// tokens reads a list of tokens. Of more than most it reads no more.
func (s *server) tokens(r *httpapi.Reader, param string, raw json.RawMessage, most int) ([]int32, error) {
	if httpapi.KindOf(raw) != httpapi.KindList {
		return nil, httpapi.Invalid(param, httpapi.CodeType, param+" is "+httpapi.KindOf(raw)+", expected a list of tokens")
	}
	var ids []int64
	err := strictjson.Each(raw, func(one json.RawMessage) error {
		x, ok := httpapi.Whole(one)
		switch {
		case httpapi.KindOf(one) != httpapi.KindNumber || !ok:
			return httpapi.Invalid(param, httpapi.CodeType, fmt.Sprintf("%s has %s, expected the integer of a token", param, one[:min(len(one), 20)]))
		case len(ids) == most:
			return httpapi.About(param, &completion.ContextError{Prompt: most, Context: s.cfg.Completer.Context, More: true})
		}
		ids = append(ids, x)
		return nil
	})
	if err != nil {
		return nil, err
	}
	tokens, err := completion.Tokens(s.cfg.Completer, ids)
	return tokens, httpapi.About(param, err)
}
