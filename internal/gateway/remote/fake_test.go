package remote

import (
	"context"
	"io"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/gateway/balance"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// end is how a call of a fake router ends.
type end int

const (
	whole   end = iota // with the last token
	dies               // UNAVAILABLE
	silent             // nothing comes any more
	cut                // an end without a last token
	drains             // the router stops
	mute               // not even a header
	refuses            // UNAVAILABLE, without a header
	fullUp             // the queue is full
	panics             // INTERNAL
)

// plan is the fate of one call: how many tokens it sends, and how it ends.
type plan struct {
	tokens int
	end    end
}

// fleet is any number of fake routers of one model. Every router draws the same
// tokens.
type fleet struct {
	length int // of an answer
	// fates are those of the calls in their order, and then the last again; nil are
	// whole answers.
	fates []plan
	// fate chooses one by the router instead.
	fate func(router string, in *hachiv1.GenerateTokensRequest) plan
	// lie changes what a router sends; nil is honest.
	lie func(router string, m *hachiv1.GenerateTokensResponse)
	// probe answers probes; nil does at once, unless the router's last call got nothing.
	probe func(ctx context.Context, router string) error

	mu    sync.Mutex // guards the fields below
	calls []called
}

// called is a call that a fleet got.
type called struct {
	router string
	in     *hachiv1.GenerateTokensRequest
	end    end
}

func (f *fleet) GenerateTokens(ctx context.Context, r balance.Router, in *hachiv1.GenerateTokensRequest) (Call, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in = proto.CloneOf(in) // as if it had been sent
	p := plan{1 << 20, whole}
	switch {
	case f.fate != nil:
		p = f.fate(r.ID, in)
	case len(f.fates) > 0:
		p = f.fates[min(len(f.calls)+1, len(f.fates))-1]
	}
	f.calls = append(f.calls, called{r.ID, in, p.end})
	return &fakeCall{ctx: ctx, f: f, router: r.ID, plan: p, at: len(in.GetAnswer()), prompt: int(in.GetPromptReported()), in: in}, nil
}

func (f *fleet) Probe(ctx context.Context, r balance.Router) error {
	if f.probe != nil {
		return f.probe(ctx, r.ID)
	}
	if f.isMute(r.ID) {
		<-ctx.Done()
	}
	return ctx.Err()
}

// isMute reports whether the last call of a router gets nothing.
func (f *fleet) isMute(router string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, call := range slices.Backward(f.calls) {
		if call.router == router {
			return call.end == mute
		}
	}
	return false
}

// asked are the calls so far.
func (f *fleet) asked() []called {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

type fakeCall struct {
	ctx        context.Context
	f          *fleet
	router     string
	plan       plan
	in         *hachiv1.GenerateTokensRequest
	at, prompt int
	sent       int
}

func (c *fakeCall) Header() (metadata.MD, error) {
	switch c.plan.end {
	case mute:
		<-c.ctx.Done()
		return nil, status.FromContextError(c.ctx.Err()).Err()
	case refuses, fullUp:
		return nil, nil
	}
	return metadata.MD{}, nil
}

// draw is the token that every router draws at a position: a function of what the
// request says.
func draw(in *hachiv1.GenerateTokensRequest, at int) *hachiv1.TokenLogprob {
	token := uint32(in.GetSampling().GetSeed()+uint64(in.GetChoice())*31+uint64(at)*7) % 1000
	return &hachiv1.TokenLogprob{Token: token, Logprob: -float32(at) / 3, Alternatives: []*hachiv1.Alternative{{Token: token, Logprob: -float32(at) / 3}}}
}

func (c *fakeCall) Recv() (*hachiv1.GenerateTokensResponse, error) {
	m, err := c.next()
	if err == nil && c.f.lie != nil {
		c.f.lie(c.router, m)
	}
	return m, err
}

// next is what an honest router sends.
func (c *fakeCall) next() (*hachiv1.GenerateTokensResponse, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, status.FromContextError(err).Err()
	}
	if c.sent == c.plan.tokens || c.plan.end == refuses || c.plan.end == fullUp {
		return nil, c.fail()
	}
	c.sent++
	if c.in.GetPromptLogprobs() && c.prompt < len(c.in.GetPrompt())-1 {
		c.prompt++
		return &hachiv1.GenerateTokensResponse{Prompt: []*hachiv1.TokenLogprob{{Token: c.in.GetPrompt()[c.prompt], Logprob: -1}}, CachedTokens: 3}, nil
	}
	if c.at == c.f.length {
		return &hachiv1.GenerateTokensResponse{FinishReason: hachiv1.FinishReason_FINISH_REASON_STOP}, nil
	}
	m := &hachiv1.GenerateTokensResponse{Tokens: []*hachiv1.TokenLogprob{draw(c.in, c.at)}, Nodes: []string{"expert-0"}, CachedTokens: 3}
	if c.at++; c.at == int(c.in.GetMaxTokens()) {
		m.FinishReason = hachiv1.FinishReason_FINISH_REASON_LENGTH
	}
	return m, nil
}

// fail ends the call as its plan says.
func (c *fakeCall) fail() error {
	detailed := func(code codes.Code, reason hachiv1.GenerateTokensFailure_Reason) error {
		s, err := status.New(code, "as planned").WithDetails(&hachiv1.GenerateTokensFailure{Reason: reason, RetryAfterMillis: 7000})
		if err != nil {
			return err
		}
		return s.Err()
	}
	switch c.plan.end {
	case silent:
		<-c.ctx.Done()
		return status.FromContextError(c.ctx.Err()).Err()
	case cut:
		return io.EOF
	case drains:
		return detailed(codes.Unavailable, hachiv1.GenerateTokensFailure_REASON_STOPPING)
	case fullUp:
		return detailed(codes.ResourceExhausted, hachiv1.GenerateTokensFailure_REASON_QUEUE_FULL)
	case panics:
		return status.Error(codes.Internal, "a panic")
	}
	return status.Error(codes.Unavailable, "the connection is gone")
}

// request asks for an answer with everything that a reader sees.
func request() engine.Request {
	return engine.Request{Prompt: []int32{5, 6, 7, 8}, Params: sampler.Params{Temperature: 1, Seed: 11}, Logprobs: 1, Choice: 1, ReportNodes: true}
}

var served = balance.Model{Fingerprint: "fp", Context: 100}

// serve makes an engine over routers with these names.
func serve(f *fleet, change func(*Config), routers ...string) *Engine {
	pool := NewPool()
	pool.Update(routersOf("fp", routers...))
	c := Config{Caller: f, Pool: pool, Model: served, Vocab: 1000, Silence: silence, MaxRequests: 100}
	if change != nil {
		change(&c)
	}
	return New(c)
}

// answerOf reads an answer to its last event.
func answerOf(ctx context.Context, e *Engine, r engine.Request) ([]engine.Event, error) {
	stream, err := e.Submit(ctx, r, nil)
	if err != nil {
		return nil, err
	}
	var out []engine.Event
	for {
		events, err := stream.Next(ctx)
		if err != nil {
			return out, err
		}
		out = append(out, events...)
		if last := out[len(out)-1]; last.Finish != engine.NotFinished || last.Err != nil {
			return out, last.Err
		}
	}
}

// routersOf are routers with a fingerprint.
func routersOf(fingerprint string, ids ...string) []balance.Router {
	var out []balance.Router
	for _, id := range ids {
		out = append(out, balance.Router{ID: id, Addr: id, Fingerprint: fingerprint, Context: 100})
	}
	return out
}
