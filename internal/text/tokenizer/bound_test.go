package tokenizer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// counting is a context that ends after some looks at it.
type counting struct {
	context.Context
	left int
}

func (c *counting) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestEncodingStopsAtItsBound: by its tokens, and in the middle of one long word by
// its context.
func TestEncodingStopsAtItsBound(t *testing.T) {
	tok := mistral(t)
	words, letters := strings.Repeat("some words ", 1<<14), strings.Repeat("q", 1<<16)
	for _, text := range []string{words, letters} {
		whole := tok.Prompt(text)
		ids, err := tok.PromptWithin(Bound{t.Context(), len(whole)}, text)
		if err != nil || !slices.Equal(ids, whole) {
			t.Errorf("a bound of as many tokens: %v", err)
		}
		ids, err = tok.PromptWithin(Bound{t.Context(), 100}, text)
		if !errors.Is(err, ErrTooLong) || len(ids) <= 100 || !slices.Equal(ids[:100], whole[:100]) {
			t.Errorf("a bound of 100 tokens: %d, %v", len(ids), err)
		}
		gone := &counting{t.Context(), 3}
		if _, err := tok.PromptWithin(Bound{gone, len(whole)}, text); !errors.Is(err, context.Canceled) {
			t.Errorf("a context that ends: %v", err)
		}
		if gone.left < -2 {
			t.Errorf("%d looks at a context that has ended", -gone.left)
		}
		if _, err := tok.EncodePiecesWithin(Bound{t.Context(), 10}, []Piece{{Text: text}, {Text: text}}); !errors.Is(err, ErrTooLong) {
			t.Errorf("pieces: %v", err)
		}
	}
}

// TestNoTextHasFewerTokensThanItsLengthSays, marks in the text included.
func TestNoTextHasFewerTokensThanItsLengthSays(t *testing.T) {
	tok := mistral(t)
	for id := range tok.Vocab() {
		text := strings.Repeat(string(tok.TokenBytes(int32(id))), 50)
		if n := len(tok.Encode(text)); n < tok.Least(text) {
			t.Errorf("%q has %d tokens, and by its length %d", text, n, tok.Least(text))
		}
	}
	for _, text := range []string{strings.Repeat(" ", 999), strings.Repeat(meta, 999), strings.Repeat(" "+meta, 99), ""} {
		if n := len(tok.Encode(text)); n < tok.Least(text) {
			t.Errorf("%q has %d tokens, and by its length %d", text, n, tok.Least(text))
		}
	}
}
