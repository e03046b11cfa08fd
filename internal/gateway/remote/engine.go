package remote

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/episode"
	"github.com/hachi-serve/hachi/internal/gateway/balance"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Caller begins calls at routers: *Conns.
type Caller interface {
	GenerateTokens(ctx context.Context, r balance.Router, in *hachiv1.GenerateTokensRequest) (Call, error)
	// Probe returns without an error if a router answers calls.
	Probe(ctx context.Context, r balance.Router) error
}

// Call is an answer that comes from a router: the client's end of a gRPC stream.
type Call interface {
	// Header waits until the router has taken the request. It is nil if the router
	// refused the request; then Recv has the reason.
	Header() (metadata.MD, error)
	Recv() (*hachiv1.GenerateTokensResponse, error)
}

// Config describes an engine.
type Config struct {
	Caller Caller
	Pool   *Pool
	// Model is what routers must serve, and Vocab how many tokens it has.
	Model balance.Model
	Vocab int
	// Silence is how long a router may send neither a token nor a heartbeat.
	Silence time.Duration
	// MaxRequests is how many answers there may be at once.
	MaxRequests int
	// Grammars compile languages that no answer is asked for, in Check; nil refuses them.
	Grammars *completion.Grammars
	// Moved observes each answer that leaves a router and goes on at another, by the id
	// of its request, with the reason: failed, silent, drained or fingerprint. nil is not
	// called.
	Moved func(request, router, reason string)
	// Stalled observes how long an answer that moved stood still. nil is not called.
	Stalled func(Stall)
	// Drawn counts the tokens of answers. nil is not called.
	Drawn  func(tokens int)
	Logger *slog.Logger // nil is silent
}

// Engine implements completion.Engine with routers.
type Engine struct {
	cfg     Config
	faults  *episode.Log
	running atomic.Int64
	work    sync.WaitGroup // the goroutines of answers

	mu      sync.Mutex // guards stopping, and the start of work
	stopped context.Context
	stop    context.CancelCauseFunc
}

// requestID is the metadata key that names a request.
const requestID = "x-request-id"

// heartbeats is how many heartbeats a router sends in the time of Silence.
const heartbeats = 4

// New makes an engine.
func New(c Config) *Engine {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	e := &Engine{cfg: c, faults: episode.New(c.Logger, slog.LevelWarn, "a router failed, its answers go on at others", "the router answers again", "router", episode.Flapping)}
	e.stopped, e.stop = context.WithCancelCause(context.Background())
	return e
}

// Stop ends every answer with engine.ErrStopped and takes no new ones. It returns when
// the goroutines have ended.
func (e *Engine) Stop() {
	e.mu.Lock()
	e.stop(engine.ErrStopped)
	e.mu.Unlock()
	e.work.Wait()
}

// Submit implements completion.Engine. It returns when a router has taken the
// request.
func (e *Engine) Submit(ctx context.Context, r engine.Request, l *completion.Language) (completion.Stream, error) {
	if room := e.cfg.Model.Context - len(r.Prompt); r.MaxTokens == 0 || r.MaxTokens > room {
		r.MaxTokens = room // wherever the answer goes on, it ends at the same length
	}
	in := encode(r, l, e.cfg.Model.Fingerprint, e.cfg.Silence/heartbeats)
	taken := make(chan error, 1)
	if r.ID != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, requestID, r.ID) // so that routers name it alike
	}
	a := &answer{
		e: e, id: r.ID, in: in, prefix: balance.NewPrefix(r.CacheSalt, r.Prompt), out: engine.NewStream(),
		taken: taken, avoid: map[string]bool{}, pause: pause{mark: time.Now()},
	}
	ctx, cancel := context.WithCancelCause(ctx)
	if err := e.start(func() { defer cancel(nil); a.run(ctx) }, cancel); err != nil {
		cancel(nil)
		return nil, err
	}
	if err := <-taken; err != nil {
		return nil, err
	}
	return a.out, nil
}

// Check implements completion.Engine. The gateway compiles the language itself: routers
// have no call for it.
func (e *Engine) Check(ctx context.Context, l *completion.Language) error {
	return completion.Local{Grammars: e.cfg.Grammars}.Check(ctx, l)
}

// start runs an answer on a goroutine that Stop joins.
func (e *Engine) start(run func(), cancel context.CancelCauseFunc) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := context.Cause(e.stopped); err != nil {
		return err
	}
	if e.running.Load() >= int64(e.cfg.MaxRequests) {
		return scheduler.ErrQueueFull
	}
	e.running.Add(1)
	unbind := context.AfterFunc(e.stopped, func() { cancel(engine.ErrStopped) })
	e.work.Go(func() {
		defer e.running.Add(-1)
		defer unbind()
		run()
	})
	e.cfg.Pool.count()
	return nil
}
