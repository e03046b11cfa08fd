package role

import (
	"context"
	"errors"
	"fmt"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

// TextSummary says what a router makes of the text files of a checkpoint.
type TextSummary struct {
	Tokens       int      `json:"tokens"`        // that are served
	PaddedRows   int      `json:"padded_rows"`   // of the embedding, behind the tokens
	LeftOut      int      `json:"left_out"`      // special tokens without a row
	EOS          []int32  `json:"eos_tokens"`    // that end an answer
	ChatTemplate bool     `json:"chat_template"` // of the checkpoint's own
	Notes        []string `json:"notes"`         // what a person should know
	// Sampling are the parameters of a request that does not state them.
	Sampling completion.SamplingDefaults `json:"default_sampling_params"`
}

// InspectWeights reads the weights of a checkpoint that a router reads at its start. The
// error has the first fault for which it would not start.
func InspectWeights(ctx context.Context, ckpt *checkpoint.Checkpoint) error {
	if err := ckpt.CheckDense(ctx); err != nil {
		return ofSource(err)
	}
	return nil
}

// InspectText reads the text files of a checkpoint as a router with a
// serving.generationConfig does. The error has every fault for which the router would not
// start.
func InspectText(dir string, cfg model.Config, generationConfig string) (TextSummary, error) {
	s, errText := openTextStack(dir, cfg)
	sampling, errSampling := readSamplingDefaults(dir, generationConfig)
	if errSampling != nil {
		errSampling = &ConfigError{Err: errSampling}
	}
	if err := errors.Join(errText, errSampling); err != nil {
		return TextSummary{}, err
	}
	out := TextSummary{Sampling: sampling, Tokens: s.tokenizer.Vocab(), EOS: s.eosTokens, ChatTemplate: chat.HasTemplate(dir)}
	note := func(format string, args ...any) { out.Notes = append(out.Notes, fmt.Sprintf(format, args...)) }
	if whole, err := tokenizer.Load(dir); err == nil && whole.Vocab() > out.Tokens {
		out.LeftOut = whole.Vocab() - out.Tokens
		note("%d special tokens have no row in the embedding, from token %d on: they are left out", out.LeftOut, out.Tokens)
	}
	if out.PaddedRows = cfg.Vocab - out.Tokens; out.PaddedRows > 0 {
		note("the embedding has %d rows of padding, from row %d on: they are no tokens and are never drawn", out.PaddedRows, out.Tokens)
	}
	if !out.ChatTemplate {
		note("no chat template: conversations have the plain [INST] format, without a system message")
	}
	if len(out.EOS) == 0 {
		note("no eos_token_id: an answer ends only at max_tokens or a stop text")
	}
	return out, nil
}
