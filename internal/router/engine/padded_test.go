package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// paddedModel is a fakeModel whose head has rows behind the vocabulary, and they
// have by far the highest logits.
type paddedModel struct{ fakeModel }

func (m *paddedModel) Forward(ctx context.Context, b *model.Batch, logits tensor.Matrix) error {
	for i := range logits.Rows {
		for j := vocab; j < logits.Cols; j++ {
			logits.Row(i)[j] = 1e6
		}
	}
	return m.fakeModel.Forward(ctx, b, logits)
}

func padded(c *Config) {
	c.Model.Vocab, c.Vocab = vocab+14, vocab
	c.Forward = &paddedModel{fakeModel{kv: map[int64]int32{}}}
}

// below allows the tokens below a bound.
type below int32

func (b below) Mask(dst []uint64) {
	clear(dst)
	for t := range int32(b) {
		dst[t/64] |= 1 << (t % 64)
	}
}
func (b below) Accept(token int32) bool { return token < int32(b) }
func (b below) Done() bool              { return false }

// TestPaddingChangesNothing compares a model with rows behind the vocabulary to
// the same model without them: tokens, and the bits of all log probabilities.
func TestPaddingChangesNothing(t *testing.T) {
	requests := []func(*Request){
		func(*Request) {},
		func(r *Request) { r.Logprobs, r.PromptLogprobs = vocab+10, true },
		func(r *Request) { r.Params.TopK = 100 },
		func(r *Request) { r.Params.TopP, r.Params.MinP = 0.9, 0.01 },
		func(r *Request) { r.Params.TypicalP = 0.5 },
		func(r *Request) { r.Params.LogitBias = map[int32]float64{3: 5, vocab - 1: -100} },
		func(r *Request) { r.Params.RepetitionPenalty, r.Params.FrequencyPenalty = 1.3, 0.5 },
		func(r *Request) { r.Matcher = below(vocab) },
		func(r *Request) { r.Params.MinTokens, r.StopTokens = 5, []int32{7} },
	}
	answers := func(t *testing.T, change ...func(*Config)) []string {
		e := start(t, 200, wide, nil, change...)
		var out []string
		for _, edit := range requests {
			for i := range 4 {
				r := request(i)
				edit(&r)
				s, err := e.Submit(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				events, err := read(t, s)
				if err != nil {
					t.Fatal(err)
				}
				for _, event := range events {
					if event.Token >= vocab || len(event.Top) > vocab {
						t.Errorf("token %d, %d top log probabilities: padding shows", event.Token, len(event.Top))
					}
				}
				out = append(out, fmt.Sprintf("%+v", events))
			}
		}
		return out
	}
	speculate := func(c *Config) { c.Speculate = 4 }
	want := answers(t)
	for name, got := range map[string][]string{"padded": answers(t, padded), "padded, with drafts": answers(t, padded, speculate)} {
		if i := slices.IndexFunc(got, func(s string) bool { return !slices.Contains(want, s) }); i >= 0 || !slices.Equal(got, want) {
			t.Errorf("%s: answer %d differs", name, i)
		}
	}
}

func TestPaddingIsNoToken(t *testing.T) {
	e := start(t, 20, wide, nil, padded)
	for name, edit := range map[string]func(*Request){
		"token 50 is outside the vocabulary of 50": func(r *Request) { r.Prompt = []int32{1, vocab} },
		"stop_token_ids has 63":                    func(r *Request) { r.StopTokens = []int32{vocab + 13} },
		"logit_bias has token 51":                  func(r *Request) { r.Params.LogitBias = map[int32]float64{vocab + 1: 1} },
	} {
		r := request(1)
		edit(&r)
		if _, err := e.Submit(t.Context(), r); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %q", err, name)
		}
	}
}
