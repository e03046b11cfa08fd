package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/moe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const vocab = 50

// fakeModel has a KV cache like a real one: the logits of a position depend on
// every token before it, as stored in blocks.
type fakeModel struct {
	kv    map[int64]int32 // block*BlockSize+offset -> token
	fails func(step int64) error
	steps atomic.Int64
}

func (m *fakeModel) Forward(ctx context.Context, b *model.Batch, logits tensor.Matrix) error {
	step := m.steps.Add(1)
	row := 0
	type place struct {
		span model.Span
		pos  int
	}
	var places []place
	for _, span := range b.Spans {
		for i := range span.N {
			pos := span.Start + i
			m.kv[int64(span.Blocks[pos/model.BlockSize])*model.BlockSize+int64(pos%model.BlockSize)] = b.Tokens[row]
			places = append(places, place{span, pos})
			row++
		}
	}
	if m.fails != nil {
		if err := m.fails(step); err != nil {
			return err
		}
	}
	for i, out := range b.Outputs {
		h := fnv.New64a()
		p := places[out]
		for pos := range p.pos + 1 {
			fmt.Fprint(h, m.kv[int64(p.span.Blocks[pos/model.BlockSize])*model.BlockSize+int64(pos%model.BlockSize)], " ")
		}
		x := h.Sum64()
		for j := range vocab {
			x = x*6364136223846793005 + 1442695040888963407
			logits.Row(i)[j] = float32(x>>40) / (1 << 22)
		}
	}
	return nil
}

// open runs an engine over a fake model until the returned function, which
// checks that nothing is left behind.
func open(blocks int, limits scheduler.Limits, fails func(int64) error, change ...func(*Config)) (*Engine, func(t *testing.T)) {
	cfg := Config{
		Model: model.Config{Vocab: vocab, MaxContext: 400}, Forward: &fakeModel{kv: map[int64]int32{}, fails: fails},
		Blocks: blocks, PrefixCache: true, Limits: limits, Logger: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&cfg)
	}
	e := New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = e.Run(ctx)
	}()
	return e, func(t *testing.T) {
		cancel()
		<-done
		if err := e.sched.Check(); err != nil {
			t.Error(err)
		}
		if s := e.Stats(); s.BlocksUsed != 0 || s.Running != 0 || s.Waiting != 0 || len(e.active) > 0 {
			t.Errorf("left behind: %+v, %d requests", s, len(e.active))
		}
	}
}

// start runs an engine over a fake model until the test ends.
func start(t *testing.T, blocks int, limits scheduler.Limits, fails func(int64) error, change ...func(*Config)) *Engine {
	t.Helper()
	e, stop := open(blocks, limits, fails, change...)
	t.Cleanup(func() { stop(t) })
	return e
}

var wide = scheduler.Limits{StepTokens: 512, MaxSequences: 16, MaxWaiting: 64}

func request(i int) Request {
	r := Request{MaxTokens: 30, Logprobs: 2, Params: sampler.Params{Temperature: float64(i % 2), Seed: uint64(i)}, Choice: i % 3}
	for j := range 3 + 9*i {
		r.Prompt = append(r.Prompt, int32((i*31+j*7)%vocab))
	}
	r.PromptLogprobs = i%4 == 3
	return r
}

// read collects a stream to its end.
func read(t *testing.T, s *Stream) ([]Event, error) {
	t.Helper()
	var all []Event
	for {
		events, err := s.Next(t.Context())
		if err != nil {
			return all, err
		}
		for _, e := range events {
			if e.Err != nil {
				return all, e.Err
			}
			all = append(all, e)
			if e.Finish != NotFinished {
				return all, nil
			}
		}
	}
}

// submitAll starts the first n requests.
func submitAll(t *testing.T, e *Engine, n int) []*Stream {
	t.Helper()
	streams := make([]*Stream, n)
	for i := range streams {
		var err error
		if streams[i], err = e.Submit(t.Context(), request(i)); err != nil {
			t.Fatal(err)
		}
	}
	return streams
}

// submit starts the first n requests and collects their streams.
func submit(t *testing.T, e *Engine, n int) []string {
	t.Helper()
	return readAll(t, submitAll(t, e, n))
}

// readAll collects streams to their ends.
func readAll(t *testing.T, streams []*Stream) []string {
	t.Helper()
	out := make([]string, len(streams))
	for i, s := range streams {
		events, err := read(t, s)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = fmt.Sprint(events)
	}
	return out
}

func TestAnswersDoNotDependOnTheLoad(t *testing.T) {
	const n = 8
	alone := make([]string, n)
	for i := range alone {
		e := start(t, 100, wide, nil)
		s, err := e.Submit(t.Context(), request(i))
		if err != nil {
			t.Fatal(err)
		}
		events, err := read(t, s)
		if err != nil {
			t.Fatal(err)
		}
		alone[i] = fmt.Sprint(events)
	}
	together := make(chan struct{}) // closed when the engine whose requests must meet has all
	untilAll := func(int64) error {
		select {
		case <-together:
		case <-t.Context().Done():
		}
		return nil
	}
	every3 := func(step int64) error {
		if step%3 == 0 {
			return &moe.Error{Kind: moe.NoReplica}
		}
		return nil
	}
	for name, e := range map[string]*Engine{
		"together":        start(t, 100, wide, nil),
		"chunks of 7":     start(t, 100, scheduler.Limits{StepTokens: 7, MaxSequences: 16, MaxWaiting: 64}, nil),
		"preempted":       start(t, 14, wide, untilAll),
		"one at a time":   start(t, 100, scheduler.Limits{StepTokens: 64, MaxSequences: 1, MaxWaiting: 64}, nil),
		"steps abandoned": start(t, 100, scheduler.Limits{StepTokens: 100, MaxSequences: 16, MaxWaiting: 64}, every3),
	} {
		streams := submitAll(t, e, n)
		if name == "preempted" {
			close(together)
		}
		got := readAll(t, streams)
		for i := range got {
			if got[i] != alone[i] {
				t.Errorf("%s: request %d: got %s\nwant %s", name, i, got[i], alone[i])
			}
		}
		if name == "preempted" && e.Stats().Preemptions == 0 {
			t.Error("nothing was preempted: the case proves nothing")
		}
	}
}

// TestChoicesShareAPrefill: the choices of a prompt compute its full blocks
// once, unless their caches are kept apart.
func TestChoicesShareAPrefill(t *testing.T) {
	for _, apart := range []bool{false, true} {
		rows := 0
		e, stop := open(100, wide, nil, func(c *Config) { c.Step = func(n int, _ time.Duration) { rows += n } })
		var all []*Stream
		for choice := range 4 {
			r := Request{Prompt: make([]int32, 100), MaxTokens: 1, Logprobs: -1, Choice: choice}
			if apart {
				r.CacheSalt = uint64(choice + 1)
			}
			s, err := e.Submit(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
		for _, s := range all {
			if _, err := read(t, s); err != nil {
				t.Fatal(err)
			}
		}
		stop(t)
		if want := map[bool]int{false: 100 + 3*4, true: 400}[apart]; rows != want {
			t.Errorf("apart %v: %d rows, want %d", apart, rows, want)
		}
	}
}

// TestEventsSayWhatThePrefixCacheHad: nothing at first, later the full blocks of
// the prompt but its last token, and the same after a preemption.
func TestEventsSayWhatThePrefixCacheHad(t *testing.T) {
	e := start(t, 64, wide, nil, func(c *Config) { c.PrefixCache = true })
	prompt := make([]int32, 3*model.BlockSize+1)
	for i := range prompt {
		prompt[i] = int32(i*i) % vocab
	}
	for _, tt := range []struct {
		name    string
		request Request
		want    int
	}{
		{"first", Request{Prompt: prompt, MaxTokens: 4}, 0},
		{"again", Request{Prompt: prompt, MaxTokens: 4}, 3 * model.BlockSize},
		{"a shorter one", Request{Prompt: prompt[:2*model.BlockSize], MaxTokens: 4}, model.BlockSize},
		{"of another salt", Request{Prompt: prompt, MaxTokens: 4, CacheSalt: 7}, 0},
		{"with log probabilities of the prompt", Request{Prompt: prompt, MaxTokens: 4, PromptLogprobs: true}, 0},
	} {
		s, err := e.Submit(t.Context(), tt.request)
		if err != nil {
			t.Fatal(err)
		}
		events, err := read(t, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range events {
			if event.Cached != tt.want {
				t.Errorf("%s: %d tokens were cached, expected %d", tt.name, event.Cached, tt.want)
				break
			}
		}
	}
}

func TestCancelFreesEverything(t *testing.T) {
	canceled := make(chan struct{})
	e := start(t, 100, wide, func(step int64) error {
		if step > 3 {
			<-canceled
		}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	r := request(2)
	r.MaxTokens = 300
	s, err := e.Submit(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	cancel()
	close(canceled)
	if _, err := read(t, s); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

func TestDeadlineEndsAWaitForAnExpert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := open(100, wide, func(int64) error { return &moe.Error{Kind: moe.NoReplica} })
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		s, err := e.Submit(ctx, request(1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read(t, s); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended with %v", err)
		}
		r := request(1)
		r.FailFast = true
		if s, err = e.Submit(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if _, err := read(t, s); moe.KindOf(err) != moe.NoReplica {
			t.Errorf("failing fast ended with %v", err)
		}
		stop(t)
	})
}

// TestRequestsDoNotHurryAWaitForAnExpert: who comes and goes while an expert is
// missing causes no step.
func TestRequestsDoNotHurryAWaitForAnExpert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		steps := 0
		e, stop := open(100, wide, func(int64) error { steps++; return &moe.Error{Kind: moe.NoReplica} })
		for i := range 40 {
			ctx, cancel := context.WithCancel(t.Context())
			s, err := e.Submit(ctx, request(i%3))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			cancel()
			if _, err := read(t, s); !errors.Is(err, context.Canceled) {
				t.Errorf("ended with %v", err)
			}
		}
		if steps > 1 {
			t.Errorf("%d steps were tried in no time", steps)
		}
		stop(t)
	})
}

func TestBadRequestsAndFullQueue(t *testing.T) {
	release := make(chan struct{})
	e := start(t, 100, scheduler.Limits{StepTokens: 8, MaxSequences: 1, MaxWaiting: 1}, func(int64) error { <-release; return nil })
	defer close(release)
	for name, r := range map[string]Request{
		"empty":            {},
		"too long":         {Prompt: make([]int32, 400)},
		"token":            {Prompt: []int32{vocab}},
		"negative token":   {Prompt: []int32{-1}},
		"temperature":      {Prompt: []int32{1}, Params: sampler.Params{Temperature: 3}},
		"negative maximum": {Prompt: []int32{1}, MaxTokens: -1},
	} {
		if _, err := e.Submit(t.Context(), r); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	full := 0
	for range 20 {
		if _, err := e.Submit(ctx, request(0)); errors.Is(err, scheduler.ErrQueueFull) {
			full++
		}
	}
	if full != 18 { // one runs, one waits
		t.Errorf("%d of 20 requests were refused, want 18", full)
	}
}

func TestLengthStopsAtTheContext(t *testing.T) {
	e := start(t, 3, wide, nil) // 48 positions
	s, err := e.Submit(t.Context(), Request{Prompt: []int32{1, 2, 3}, Logprobs: -1})
	if err != nil {
		t.Fatal(err)
	}
	events, err := read(t, s)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 45 || events[44].Finish != Length {
		t.Errorf("%d tokens, finish %q", len(events), events[len(events)-1].Finish)
	}
}
