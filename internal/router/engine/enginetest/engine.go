package enginetest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/moe"
)

// Script is the fate of a request.
type Script struct {
	Tokens []int32      // the answer; cut at the request's MaxTokens
	Err    error        // ends the answer after its tokens; nil is a stop token
	Hold   bool         // the answer does not end by itself
	Refuse error        // Submit's error
	Nodes  []moe.NodeID // of every token
	Cached int          // tokens of the prompt
}

// Engine answers requests by a script.
type Engine struct {
	// Script decides; nil answers every request with a stop token.
	Script func(engine.Request) Script

	mu      sync.Mutex // guards the fields below
	calls   []*Call
	stats   engine.Stats
	stopped bool
}

// Call is a request that was taken.
type Call struct {
	Request engine.Request
	stream  *engine.Stream
	once    sync.Once
	engine  *Engine
	// Done is closed after the last event.
	Done chan struct{}
	Err  error // of the last event; read it after Done
}

// Submit implements completion.Engine.
func (e *Engine) Submit(ctx context.Context, r engine.Request) (*engine.Stream, error) {
	script := Script{}
	if e.Script != nil {
		script = e.Script(r)
	}
	if script.Refuse != nil {
		return nil, script.Refuse
	}
	c := &Call{Request: r, stream: engine.NewStream(), engine: e, Done: make(chan struct{})}
	e.mu.Lock()
	if e.stopped {
		e.mu.Unlock()
		return nil, engine.ErrStopped
	}
	e.calls = append(e.calls, c)
	e.stats.Running++
	e.mu.Unlock()
	if r.PromptLogprobs {
		for i, id := range r.Prompt[1:] {
			c.Push(logprobs(engine.Event{Token: id, Prompt: true}, i, r.Logprobs))
		}
	}
	for i, id := range script.Tokens {
		event := logprobs(engine.Event{Token: id, Nodes: script.Nodes, Cached: script.Cached}, i, r.Logprobs)
		if i+1 == r.MaxTokens {
			event.Finish = engine.Length
			c.end(event)
			return c.stream, nil
		}
		c.Push(event)
	}
	switch {
	case script.Err != nil:
		c.end(engine.Event{Err: script.Err})
	case !script.Hold:
		c.end(engine.Event{Token: -1, Finish: engine.Stop})
	default:
		context.AfterFunc(ctx, func() { c.end(engine.Event{Err: context.Cause(ctx)}) })
	}
	return c.stream, nil
}

// logprobs gives the i-th token a log probability of -(i+1)/2, and n
// alternatives: itself, then the ids after it, each less likely by one.
func logprobs(e engine.Event, i, n int) engine.Event {
	if n < 0 {
		return e
	}
	e.Logprob = -float32(i+1) / 2
	for j := range n {
		e.Top = append(e.Top, sampler.TokenLogprob{Token: e.Token + int32(j), Logprob: e.Logprob - float32(j)})
	}
	return e
}

// Push adds an event to a held answer.
func (c *Call) Push(e engine.Event) { c.stream.Push(e) }

// End ends a held answer.
func (c *Call) End(last engine.Event) { c.end(last) }

func (c *Call) end(last engine.Event) {
	c.once.Do(func() {
		c.engine.mu.Lock()
		c.engine.stats.Running--
		c.engine.mu.Unlock()
		c.Err = last.Err
		c.stream.Push(last)
		close(c.Done)
	})
}

// Calls are the requests taken so far.
func (e *Engine) Calls() []*Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.calls)
}

// Forget drops the requests taken so far.
func (e *Engine) Forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = nil
}

// Stats implements router.Engine.
func (e *Engine) Stats() engine.Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stats
}

// Count changes the snapshot.
func (e *Engine) Count(change func(*engine.Stats)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.stats)
}

// RetryAfter implements router.Engine.
func (e *Engine) RetryAfter() time.Duration { return time.Second }

// Run implements router.Engine.
func (e *Engine) Run(ctx context.Context) error {
	<-ctx.Done()
	e.mu.Lock()
	e.stopped = true
	calls := slices.Clone(e.calls)
	e.mu.Unlock()
	for _, c := range calls {
		c.end(engine.Event{Err: engine.ErrStopped})
	}
	return nil
}
