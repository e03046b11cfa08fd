package completion

import (
	"errors"
	"fmt"
)

// ContextError is a prompt that leaves no room for an answer.
type ContextError struct {
	Prompt  int // its tokens
	Context int // what the context holds, prompt and answer
}

func (e *ContextError) Error() string {
	return fmt.Sprintf("the prompt has %d tokens, but the context of this model holds %d, prompt and answer together: shorten the prompt to at most %d",
		e.Prompt, e.Context, e.Context-1)
}

// TokenError is a token of a prompt that is not in the vocabulary.
type TokenError struct {
	Position int
	Token    int64
	Vocab    int
}

func (e *TokenError) Error() string {
	return fmt.Sprintf("the token at position %d is %d, expected 0 to %d", e.Position, e.Token, e.Vocab-1)
}

// ErrEmpty is a prompt without tokens.
var ErrEmpty = errors.New("the prompt has no tokens, expected at least one")

// Check reports why a prompt can never be completed.
func (c *Completer) Check(prompt []int32) error {
	switch {
	case len(prompt) == 0:
		return ErrEmpty
	case len(prompt) >= c.Context:
		return &ContextError{Prompt: len(prompt), Context: c.Context}
	}
	for i, t := range prompt {
		if t < 0 || int(t) >= c.Tokenizer.Vocab() {
			return &TokenError{Position: i, Token: int64(t), Vocab: c.Tokenizer.Vocab()}
		}
	}
	return nil
}

// Tokens converts ids as clients send them; the error is a *TokenError.
func Tokens[T ~int64 | ~uint32](c *Completer, ids []T) ([]int32, error) {
	out := make([]int32, len(ids))
	for i, id := range ids {
		if id < 0 || int64(id) >= int64(c.Tokenizer.Vocab()) {
			return nil, &TokenError{Position: i, Token: int64(id), Vocab: c.Tokenizer.Vocab()}
		}
		out[i] = int32(id)
	}
	return out, nil
}
