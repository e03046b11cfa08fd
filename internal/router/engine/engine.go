package engine

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/kvcache"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
)

// Model carries a batch through all layers: pipeline.Runner.
type Model interface {
	Forward(ctx context.Context, b *model.Batch, logits tensor.Matrix) error
}

// Config sizes an engine.
type Config struct {
	Model   model.Config
	Forward Model
	Blocks  int // KV blocks
	// PrefixCache lets requests read what others have computed of the same
	// prompt.
	PrefixCache bool
	// Speculate is how many tokens ahead an answer that repeats itself may be
	// guessed and verified in one step; 0 is off. It changes no answer.
	Speculate int
	Limits    scheduler.Limits
	// Changed is closed at the next change that could bring a missing expert
	// back.
	Changed func() <-chan struct{}
	Logger  *slog.Logger
	// Step is told about every committed step, and Queued how long each request
	// waited for its first; nil is allowed.
	Step   func(rows int, took time.Duration)
	Queued func(wait time.Duration)
}

// checkEvery is how often an idle engine checks its books: it takes about a
// millisecond for a large cache.
const checkEvery = 10 * time.Second

var (
	// ErrStopped means that the engine is shutting down.
	ErrStopped = errors.New("the server is shutting down")
	// ErrEnough is the cause with which a client ends the context of a request
	// whose answer is complete to it, as at a stop text.
	ErrEnough = errors.New("the answer is complete")
)

// Engine runs requests.
type Engine struct {
	cfg   Config
	sched *scheduler.Scheduler
	pool  *kvcache.Pool
	wake  chan struct{} // capacity 1: the inbox or a cancellation changed

	// Owned by Run.
	active  map[uint64]*activeRequest
	logits  tensor.Matrix
	checked time.Time            // when the invariants of the KV cache were last checked
	stalled time.Time            // since when steps have no live replica of an expert; zero otherwise
	work    []*sampler.Workspace // one for each goroutine that draws
	masks   *maskWorker

	mu        sync.Mutex // guards the fields below
	nextID    uint64
	inbox     []*activeRequest
	admission scheduler.Admission
	stopping  bool
	stats     Stats
	rate      rate
}

// New makes an engine; Run makes it work.
func New(cfg Config) *Engine {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	pool := kvcache.NewPool(kvcache.Options{Blocks: cfg.Blocks, Reuse: cfg.PrefixCache})
	return &Engine{
		cfg: cfg, pool: pool, sched: scheduler.New(cfg.Limits, pool),
		wake: make(chan struct{}, 1), active: map[uint64]*activeRequest{},
		admission: scheduler.Admission{Requests: cfg.Limits.MaxSequences + cfg.Limits.MaxWaiting, Tokens: cfg.Limits.MaxWaitingTokens},
	}
}

// MaxTokens is the longest sequence that can be served, prompt and answer.
func (e *Engine) MaxTokens() int { return min(e.cfg.Model.MaxContext, e.cfg.Blocks*model.BlockSize) }

// Submit queues a request until it is served or ctx ends. The error is a
// scheduler.ErrQueueFull, ErrStopped, or says what is wrong with the request.
func (e *Engine) Submit(ctx context.Context, r Request) (*Stream, error) {
	if err := e.validate(r); err != nil {
		return nil, err
	}
	if room := e.MaxTokens() - len(r.Prompt); r.MaxTokens == 0 || r.MaxTokens > room {
		r.MaxTokens = room
	}
	id, err := e.accept(len(r.Prompt))
	if err != nil {
		return nil, err
	}
	f := e.activate(ctx, id, r)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopping {
		e.release(f)
		return nil, ErrStopped
	}
	f.stopWait = context.AfterFunc(ctx, e.poke)
	e.inbox = append(e.inbox, f)
	e.poke()
	return f.stream, nil
}

// accept finds room for a request of so many tokens, and a name.
func (e *Engine) accept(tokens int) (id uint64, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopping {
		return 0, ErrStopped
	}
	if err := e.admission.Accept(tokens); err != nil {
		e.stats.Rejected++
		return 0, err
	}
	e.nextID++
	return e.nextID, nil
}

// release gives the room of a request back. e.mu is held.
func (e *Engine) release(f *activeRequest) {
	if !f.started {
		e.admission.Start(len(f.req.Prompt))
	}
	e.admission.Finish()
}

// activate prepares a request, on its client's goroutine.
func (e *Engine) activate(ctx context.Context, id uint64, r Request) *activeRequest {
	f := &activeRequest{
		seq: &scheduler.Sequence{
			ID: id, Tokens: slices.Clone(r.Prompt), Priority: r.Priority, Compute: r.PromptLogprobs,
			Table: kvcache.Table{Salt: r.CacheSalt},
		},
		req: r, ctx: ctx, stream: NewStream(), arrived: time.Now(),
		sampler: sampler.New(r.Params, r.Choice, r.Prompt, r.StopTokens), guesses: speculation{most: e.cfg.Speculate},
	}
	if r.Matcher != nil {
		f.sampler.Constrain(r.Matcher, e.cfg.Model.Vocab)
		f.maskReady = make(chan struct{}, 1)
	}
	return f
}

func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// Run serves until ctx ends; then every unfinished request ends with
// ErrStopped.
func (e *Engine) Run(ctx context.Context) error {
	e.masks = newMaskWorker(e.admission.Requests)
	defer e.masks.stop()
	defer e.stop()
	for ctx.Err() == nil {
		e.collect()
		spans := e.sched.Schedule()
		if len(spans) == 0 {
			e.idle()
			select {
			case <-e.wake:
			case <-ctx.Done():
			}
			continue
		}
		e.step(ctx, spans)
	}
	return nil
}

// collect takes what arrived since the last step and drops what ended.
func (e *Engine) collect() {
	e.mu.Lock()
	inbox := e.inbox
	e.inbox = nil
	e.mu.Unlock()
	for _, f := range inbox {
		e.active[f.seq.ID] = f
		e.sched.Add(f.seq)
	}
	for _, f := range e.active {
		if f.ctx.Err() != nil {
			e.finish(f, Event{Err: context.Cause(f.ctx)})
		}
	}
}

// start notes that a request has its first rows.
func (e *Engine) start(f *activeRequest) {
	if f.started {
		return
	}
	f.started = true
	e.masks.request(f)
	wait := time.Since(f.arrived)
	e.mu.Lock()
	e.admission.Start(len(f.req.Prompt))
	e.stats.QueueTime += wait
	e.stats.Started++
	e.mu.Unlock()
	if e.cfg.Queued != nil {
		e.cfg.Queued(wait)
	}
}

// finish ends a request with its last event.
func (e *Engine) finish(f *activeRequest, last Event) {
	f.stopWait()
	e.sched.Remove(f.seq)
	delete(e.active, f.seq.ID)
	e.mu.Lock()
	e.release(f)
	e.stats.end(last)
	e.mu.Unlock()
	f.stream.Push(last)
}

// idle checks the books when there is nothing else to do, now and then.
func (e *Engine) idle() {
	e.publish()
	if time.Since(e.checked) < checkEvery {
		return
	}
	e.checked = time.Now()
	if err := e.sched.Check(); err != nil {
		e.cfg.Logger.Error("KV cache invariant violated", "err", err)
	}
}

// stop ends all requests.
func (e *Engine) stop() {
	e.mu.Lock()
	e.stopping = true
	e.mu.Unlock()
	e.collect()
	for _, f := range e.active {
		e.finish(f, Event{Err: ErrStopped})
	}
	e.publish()
}
