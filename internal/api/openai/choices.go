package openai

import (
	"context"
	"fmt"
	"sync"

	"github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/failure"
	"github.com/hachi-serve/hachi/internal/router/engine"
)

// choice is one answer that is being generated. Choices are numbered through all prompts
// of a request, those of one prompt together.
type choice struct {
	*completion.Reader
	index int
}

// piece is the next delta of a choice, or its error.
type piece struct {
	choice *choice
	delta  completion.Delta
	err    error
}

// start submits every choice of every prompt. The returned stop cancels
// all of them.
func (s *server) start(ctx context.Context, o options, prompts [][]int32) ([]*choice, func(), error) {
	if err := countPromptLogprobs(o, prompts); err != nil {
		return nil, nil, err
	}
	var all []*choice
	stop := func() {
		for _, c := range all {
			c.Close()
		}
	}
	for _, prompt := range prompts {
		for n := range o.candidates {
			r := o.Request
			r.Prompt, r.Choice = prompt, n
			reader, err := s.cfg.Completer.Start(ctx, r)
			if err != nil {
				stop()
				return nil, nil, err
			}
			all = append(all, &choice{reader, len(all)})
		}
	}
	return all, stop, nil
}

// countPromptLogprobs refuses more log probabilities of prompts than an answer may
// have.
func countPromptLogprobs(o options, prompts [][]int32) error {
	if !o.Request.PromptLogprobs {
		return nil
	}
	tokens := 0
	for _, p := range prompts {
		tokens += len(p)
	}
	param := "prompt_logprobs"
	if o.promptLogprobs < 0 {
		param = "logprobs"
	}
	if all := tokens * o.candidates * (o.Request.Logprobs + 1); all > completion.MaxPromptAlternatives {
		return &completion.Fault{Param: param, Code: completion.CodeValue, Err: fmt.Errorf(
			"asks for %d log probabilities of tokens of prompts, expected at most %d: ask for fewer alternatives or answers, or for a shorter prompt at a time",
			all, completion.MaxPromptAlternatives)}
	}
	return nil
}

// follow calls f with the deltas of all choices as they come, one at a time.
func follow(ctx context.Context, all []*choice, f func(*choice, completion.Delta) error) error {
	ctx, cancel := context.WithCancel(ctx)
	pieces := make(chan piece)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	for _, c := range all {
		readers.Go(func() { c.read(ctx, pieces) })
	}
	for open := len(all); open > 0; {
		var p piece
		select {
		case p = <-pieces:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if p.err != nil {
			return p.err
		}
		if err := f(p.choice, p.delta); err != nil {
			return err
		}
		if p.delta.Finish != engine.NotFinished {
			open--
		}
	}
	return nil
}

// read passes a choice's deltas on until its end.
func (c *choice) read(ctx context.Context, pieces chan<- piece) {
	for {
		var d completion.Delta
		err := failure.Catch(func() (err error) {
			d, err = c.Next(ctx)
			return err
		})
		select {
		case pieces <- piece{c, d, err}:
		case <-ctx.Done():
			return
		}
		if err != nil || d.Finish != engine.NotFinished {
			return
		}
	}
}

// usage counts tokens.
type usage struct {
	Prompt     int           `json:"prompt_tokens"`
	Completion int           `json:"completion_tokens"`
	Total      int           `json:"total_tokens"`
	Details    promptDetails `json:"prompt_tokens_details"`
}

type promptDetails struct {
	Cached int `json:"cached_tokens"` // of the prompts, from the prefix cache
}

// noteUsage counts the tokens of a request for its log line.
func noteUsage(ctx context.Context, all []*choice, n int) {
	u, r := countUsage(all, n), access.FromContext(ctx)
	r.PromptTokens, r.CompletionTokens = u.Prompt, u.Completion
}

// countUsage counts each prompt once, for all of its n choices. Cached tokens are
// those that no choice of a prompt had to compute.
func countUsage(all []*choice, n int) usage {
	var u usage
	for i, c := range all {
		if i%n == 0 {
			u.Prompt += len(c.Prompt())
			cached := c.Cached
			for _, other := range all[i : i+n] {
				cached = min(cached, other.Cached)
			}
			u.Details.Cached += cached
		}
		u.Completion += c.Generated
	}
	u.Total = u.Prompt + u.Completion
	return u
}
