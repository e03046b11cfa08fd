package completion

import (
	"context"
	"errors"
	"fmt"

	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// ContextError is a prompt that leaves no room for an answer.
type ContextError struct {
	Prompt  int // its tokens
	Context int // what the context holds, prompt and answer
	// More says that the prompt has more tokens than that.
	More bool
}

func (e *ContextError) Error() string {
	count := ""
	if e.More {
		count = "at least "
	}
	return fmt.Sprintf("the prompt has %s%d tokens, but the context of this model holds %d, prompt and answer together: shorten the prompt to at most %d",
		count, e.Prompt, e.Context, e.Context-1)
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

// counted is how many contexts of tokens a prompt that is too long is counted to,
// for its error.
const counted = 2

// bound stops the work on a prompt that no context holds.
func (c *Completer) bound(ctx context.Context) tokenizer.Bound {
	return tokenizer.Bound{Context: ctx, Tokens: counted * c.Context}
}

// MaxPromptBytes returns about how many bytes of text a context holds at most; 0 is not
// known.
func (c *Completer) MaxPromptBytes() int {
	if c == nil || c.Tokenizer == nil {
		return 0
	}
	return c.Context * c.Tokenizer.Longest()
}

// fits refuses texts that are too long for the context, by their lengths only.
func (c *Completer) fits(texts ...string) error {
	least := 0
	for _, text := range texts {
		least += c.Tokenizer.Least(text)
	}
	if least >= c.Context {
		return &ContextError{Prompt: least, Context: c.Context, More: true}
	}
	return nil
}

// tooLong names the context that a text does not fit.
func (c *Completer) tooLong(ids []int32, err error) error {
	if errors.Is(err, tokenizer.ErrTooLong) {
		return &ContextError{Prompt: len(ids), Context: c.Context, More: true}
	}
	return err
}

// Prompt tokenizes a prompt that is plain text. One that the context does not hold is
// a *ContextError, by its length, or as soon as it has too many tokens. The work
// stops with ctx.
func (c *Completer) Prompt(ctx context.Context, text string) ([]int32, error) {
	if err := c.fits(text); err != nil {
		return nil, err
	}
	ids, err := c.Tokenizer.PromptWithin(c.bound(ctx), text)
	return ids, c.tooLong(ids, err)
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
