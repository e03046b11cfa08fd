package engine

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/logtest"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/moe"
)

// poison is a prompt with which the model panics.
var poison = []int32{49, 49, 49}

// poisoned panics in every step that has rows of poison.
type poisoned struct{ *fakeModel }

func (p poisoned) Forward(ctx context.Context, b *model.Batch, logits tensor.Matrix) error {
	row := 0
	for _, span := range b.Spans {
		if slices.Equal(b.Tokens[row:row+span.N], poison) {
			panic("wrong shape")
		}
		row += span.N
	}
	return p.fakeModel.Forward(ctx, b, logits)
}

func TestPanicFailsOnlyTheRequestThatCausesIt(t *testing.T) {
	const n = 6
	want := submit(t, start(t, 200, wide, nil), n)
	var log logtest.Log
	e := start(t, 200, wide, nil, func(c *Config) {
		c.Forward = poisoned{c.Forward.(*fakeModel)}
		c.Logger = log.Logger()
	})
	bad, err := e.Submit(t.Context(), Request{Prompt: poison, MaxTokens: 5, Logprobs: -1})
	if err != nil {
		t.Fatal(err)
	}
	got := submit(t, e, n)
	if _, err := read(t, bad); moe.KindOf(err) != moe.Internal {
		t.Errorf("the request that causes the panic ends with %v, want an internal error", err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("answers beside a panic:\n%v\nwant\n%v", got, want)
	}
	if text := log.String(); !strings.Contains(text, "wrong shape") || !strings.Contains(text, "Forward") {
		t.Errorf("the log has no stack of the panic: %s", text)
	}
}

// brokenMatcher is a grammar of which every method panics.
type brokenMatcher struct{ sampler.Matcher }

func TestPanicOfAGrammarFailsItsRequestOnly(t *testing.T) {
	const n = 4
	want := submit(t, start(t, 200, wide, nil), n)
	e := start(t, 200, wide, nil)
	bad, err := e.Submit(t.Context(), Request{Prompt: []int32{1, 2, 3}, MaxTokens: 5, Logprobs: -1, Matcher: brokenMatcher{}})
	if err != nil {
		t.Fatal(err)
	}
	if got := submit(t, e, n); !slices.Equal(got, want) {
		t.Errorf("answers beside a panic:\n%v\nwant\n%v", got, want)
	}
	if _, err := read(t, bad); moe.KindOf(err) != moe.Internal {
		t.Errorf("the request with the broken grammar ends with %v, want an internal error", err)
	}
}
