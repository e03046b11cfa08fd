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

// Model carries a batch through all layers: pipeline.Runner. Forward fills one row
// of logits for each of b.Outputs, in that order. A Forward that fails may leave K
// and V of the batch's positions behind: no sequence counts them as computed, so
// they are overwritten before they are read.
type Model interface {
	Forward(ctx context.Context, b *model.Batch, logits tensor.Matrix) error
}

// Config sizes an engine.
type Config struct {
	Model model.Config
	// Vocab is how many tokens prompts may hold and answers may draw: those of the
	// tokenizer, where the model has more rows of padding. 0 is Model.Vocab.
	Vocab   int
	Forward Model
	Blocks  int // KV blocks
	// PrefixCache lets requests reuse KV blocks that others have computed of the
	// same prompt prefix.
	PrefixCache bool
	// Speculate is the largest number of draft tokens that one step verifies for a
	// sequence; 0 is off. It changes no answer.
	Speculate int
	Limits    scheduler.Limits
	// Changed returns a channel that is closed at the next change after which an
	// expert may have a live replica again. With nil, a stalled step is tried again
	// every RetryStalled.
	Changed func() <-chan struct{}
	Logger  *slog.Logger
	// Step is called after every committed step, and Queued with how long a request
	// waited for its first one; on Run's goroutine, so they must not block. nil is
	// allowed.
	Step   func(rows int, took time.Duration)
	Queued func(request context.Context, wait time.Duration)
}

// checkEvery is how often an idle engine checks the invariants of the scheduler
// and the KV cache: one check takes about a millisecond for a large cache.
const checkEvery = 10 * time.Second

var (
	// ErrStopped means that the engine is shutting down.
	ErrStopped = errors.New("the server is shutting down")
	// ErrEnough is the cause with which a client cancels a request whose answer is
	// complete for it, as after a stop text. It counts as a normal end.
	ErrEnough = errors.New("the answer is complete")
)

// Engine runs requests. Run's goroutine owns all sequences; the other methods
// only pass requests to it and read snapshots.
type Engine struct {
	cfg  Config
	wake chan struct{} // capacity 1: a request arrived or a context ended

	// Owned by Run.
	sched   *scheduler.Scheduler
	pool    *kvcache.Pool
	active  map[uint64]*activeRequest
	logits  tensor.Matrix
	checked time.Time            // when the invariants of the KV cache were last checked
	stalled time.Time            // since when steps have no live replica of an expert; zero otherwise
	evicted uint64               // preemptions of which requests were notified
	work    []*sampler.Workspace // one for each goroutine that draws
	masks   *maskWorker

	// mu guards the fields below. It is held for bookkeeping only, never while Run
	// waits, a step computes or an event is pushed: Submit does not wait for a step.
	mu        sync.Mutex
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
	if cfg.Vocab == 0 {
		cfg.Vocab = cfg.Model.Vocab
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
	id, err := e.accept(r.known())
	if err != nil {
		return nil, err
	}
	// Not under mu: the work of activate and advance grows with the prompt.
	f := e.activate(ctx, id, r)
	ended, err := f.advance()
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.release(f)
		return nil, err
	}
	if ended != NotFinished {
		e.release(f)
		last := Event{Token: -1, Finish: ended}
		e.stats.end(last)
		f.stream.Push(last)
		return f.stream, nil
	}
	if e.stopping { // stop may have emptied the inbox for the last time meanwhile
		e.release(f)
		return nil, ErrStopped
	}
	// Before Run can see the request, because finish calls stopWait.
	f.stopWait = context.AfterFunc(ctx, e.poke)
	e.inbox = append(e.inbox, f)
	e.poke()
	return f.stream, nil
}

// accept admits a request that comes with a number of tokens and gives it an id.
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

// release gives the admission of a request back. A request that ends in the queue
// leaves the waiting counts here; a started one left them in start. e.mu is held.
func (e *Engine) release(f *activeRequest) {
	if !f.started {
		e.admission.Start(f.req.known())
	}
	e.admission.Finish()
}

// activate prepares a request, on its client's goroutine.
func (e *Engine) activate(ctx context.Context, id uint64, r Request) *activeRequest {
	if len(r.Answer) > 0 {
		r.PromptLogprobs = false // the prompt's were reported before the answer began
	}
	f := &activeRequest{
		seq: &scheduler.Sequence{
			ID: id, Tokens: slices.Concat(r.Prompt, r.Answer), Priority: r.Priority, Begun: len(r.Answer) > 0, Compute: r.PromptLogprobs,
			Table: kvcache.Table{Salt: r.CacheSalt},
		},
		reported: r.PromptReported,
		req:      r, ctx: ctx, stream: NewStream(), arrived: time.Now(),
		sampler: sampler.New(r.Params, r.Choice, r.Prompt, r.StopTokens), guesses: speculation{max: e.cfg.Speculate},
	}
	if r.Matcher != nil {
		f.sampler.Constrain(r.Matcher, e.cfg.Vocab)
		f.maskReady = make(chan struct{}, 1)
	}
	return f
}

// poke wakes Run; several pokes before it wakes are one. The caller makes its
// change first: Run collects after it wakes, so it sees the changes of all of them.
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
	// stop runs first: after it, no request is left that could need a mask.
	defer e.masks.stop()
	defer e.stop()
	for ctx.Err() == nil {
		e.collect()
		spans := e.sched.Schedule()
		e.notifyPreempted()
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

// collect takes the requests that arrived since the last step and finishes those
// whose context has ended.
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

// start records that a request has its first rows and leaves the queue. It may be
// called for every step of the request. A preempted request does not start again:
// it keeps its place in the admission. The first mask is computed beside the
// prefill.
func (e *Engine) start(f *activeRequest) {
	if f.started {
		return
	}
	f.started, f.cached = true, min(f.seq.Computed, len(f.req.Prompt))
	e.masks.request(f)
	traceQueue(f)
	wait := time.Since(f.arrived)
	e.mu.Lock()
	e.admission.Start(f.req.known())
	e.stats.QueueTime += wait
	e.stats.Started++
	e.mu.Unlock()
	if e.cfg.Queued != nil {
		e.cfg.Queued(f.ctx, wait)
	}
}

// finish ends a request with its last event and frees all it holds at once. The
// event comes last: a client that reads it may submit again and finds its place
// free. The sampler is not touched, because the mask worker may still hold it.
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

// idle publishes the stats and, at most once per checkEvery, checks the
// invariants: a check between steps would delay them.
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

// stop ends all requests, those in the inbox included; none is accepted any more.
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
