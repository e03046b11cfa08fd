package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/moe"
)

// Request asks for the continuation of a prompt.
type Request struct {
	ID     string  // names the request in log lines
	Prompt []int32 // the engine reads it until the last event: do not change it
	// Answer is the answer so far: the engine goes on as if it had drawn these tokens
	// and reported them. No event has them again. It must not be changed either.
	Answer     []int32
	MaxTokens  int // of the whole answer; 0 is as many as the context holds
	Params     sampler.Params
	StopTokens []int32 // generation ends after any of them, and does not show it
	// Logprobs is how many alternatives each token reports; -1 is no log
	// probabilities at all.
	Logprobs int
	// PromptLogprobs also reports the prompt's tokens, from the second on.
	PromptLogprobs bool
	// PromptReported is how many tokens of the prompt, from the second on, the client
	// has already: no event has them again. With an Answer it is all of them.
	PromptReported int
	Choice         int // number of this answer among several to the same prompt; part of the seed
	// Matcher constrains the answer to a grammar; nil allows any text. It must not
	// be shared with another request. The answer ends when the grammar is complete.
	Matcher sampler.Matcher
	// CacheSalt partitions the prefix cache: a request reuses only blocks of
	// requests with the same salt; 0 is the common partition.
	CacheSalt uint64
	// Priority: lower starts first and is preempted last; 0 is usual.
	Priority int
	// FailFast ends the request with an error when an expert has no replica,
	// instead of waiting for one.
	FailFast bool
	// ReportNodes gives every event the nodes that computed experts for the rows of
	// the request, those of committed steps.
	ReportNodes bool
	// Moved is called, unless it is nil, when the stage of the request changes, and
	// before each step that computes a part of its prompt, with the positions that are
	// computed. It runs on Run's goroutine and must not block.
	Moved func(to Stage, computed int)
}

// Stage is how far the engine has brought a request that has not ended.
type Stage int

const (
	Queued     Stage = iota // it has no place; again after a preemption
	Prefilling              // positions that it knows the tokens of are computed
	Drawing                 // each step draws
)

// FinishReason says why a request ended.
type FinishReason string

const (
	NotFinished FinishReason = ""
	Stop        FinishReason = "stop"   // a stop token, or the language is complete
	Length      FinishReason = "length" // MaxTokens or the context
)

// Event is one token of a request, or its end. Events are in order; the last one,
// and only it, has Finish or Err.
type Event struct {
	Token   int32
	Logprob float32
	Top     []sampler.TokenLogprob
	Prompt  bool // the token is the prompt's
	Finish  FinishReason
	Err     error
	// Nodes, with Request.ReportNodes, are the nodes so far, in the order of their
	// first answer. Rows that the prefix cache already had count for none.
	Nodes []moe.NodeID
	// StepNodes, with Request.ReportNodes, are those of the step that drew the token.
	StepNodes []moe.NodeID
	// Cached is how many tokens of the prompt the prefix cache had when the request
	// started; a later preemption does not change it.
	Cached int
}

// Stream is what a request has produced so far: a queue from the engine, or a
// test's stand-in for it, to one reader.
type Stream struct {
	mu     sync.Mutex // guards events
	events []Event
	ready  chan struct{} // capacity 1: something is pending
}

// NewStream is an empty stream.
func NewStream() *Stream { return &Stream{ready: make(chan struct{}, 1)} }

// Next waits for events and returns all that are pending. After the last event
// it must not be called again. When ctx ends it returns ctx's error; the
// request's own context decides whether the request goes on.
func (s *Stream) Next(ctx context.Context) ([]Event, error) {
	for {
		s.mu.Lock()
		events := s.events
		s.events = nil
		s.mu.Unlock()
		if len(events) > 0 {
			return events, nil
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Push adds an event. It never waits for the reader, so that a slow client holds
// up no step; the bound is the length of the answer.
func (s *Stream) Push(e Event) {
	s.mu.Lock()
	s.events = append(s.events, e)
	s.mu.Unlock()
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// activeRequest is a request between Submit and its last event. Run's goroutine
// owns it, except that the draws of a step and the mask worker each borrow it.
type activeRequest struct {
	seq      *scheduler.Sequence
	req      Request
	ctx      context.Context // of the client's call; stored, because Run outlives the call of Submit
	stream   *Stream
	stopWait func() bool
	// sampler is used by one goroutine at a time: by the mask worker while
	// maskPending, by a draw within a step.
	sampler *sampler.Sampler

	maskReady   chan struct{} // capacity 1: the mask worker has computed a mask
	maskPending bool          // a mask was requested and not awaited; Run's goroutine or a draw
	maskErr     error         // of the last mask; written before maskReady, read after it

	guesses  speculation
	reported int // prompt tokens whose log probability has been sent; survives a preemption
	drawn    int // tokens of the answer so far, Request.Answer among them
	arrived  time.Time
	started  bool // has had rows
	stage    Stage
	cached   int // tokens of the prompt that the prefix cache had at the start

	nodes     []moe.NodeID // that computed experts for committed rows; only appended to
	stepNodes []moe.NodeID // of the running step
}

// maxFaults bounds how many faults of its parameters an error has.
const maxFaults = 16

// validate reports why a request could never be served, with the faults of its
// parameters at once.
func (e *Engine) validate(r Request) error {
	limit := e.MaxTokens()
	invalid := func(format string, args ...any) error {
		return &moe.Error{Op: "request", Kind: moe.Invalid, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case len(r.Prompt) == 0:
		return invalid("the prompt is empty")
	case len(r.Prompt) >= limit:
		return invalid("the prompt has %d tokens, and the context holds %d with the answer", len(r.Prompt), limit)
	case r.MaxTokens < 0:
		return invalid("max_tokens is %d, expected 0 or more", r.MaxTokens)
	}
	known := func(t int32) bool { return t >= 0 && int(t) < e.cfg.Vocab }
	for _, t := range r.Prompt {
		if !known(t) {
			return invalid("token %d is outside the vocabulary of %d", t, e.cfg.Vocab)
		}
	}
	if err := e.validateAnswer(r); err != nil {
		return err
	}
	faults := []error{r.Params.Validate()}
	param := func(name, format string, args ...any) {
		if len(faults) > maxFaults {
			return
		}
		faults = append(faults, &sampler.ParamError{Param: name, Err: fmt.Errorf(name+" "+format, args...)})
	}
	for _, t := range r.StopTokens {
		if !known(t) {
			param("stop_token_ids", "has %d, which is outside the vocabulary of %d", t, e.cfg.Vocab)
		}
	}
	for t := range r.Params.LogitBias {
		if t >= 0 && !known(t) {
			param("logit_bias", "has token %d, which is outside the vocabulary of %d", t, e.cfg.Vocab)
		}
	}
	if r.MaxTokens > 0 && r.Params.MinTokens > r.MaxTokens {
		param("min_tokens", "is %d, which is more than the %d that the answer may have", r.Params.MinTokens, r.MaxTokens)
	}
	return errors.Join(faults...)
}
