package engine

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/moe"
)

// TestClientsThatVanish: 1,000 clients connect, stream, and leave at random
// points: before the first token, in the middle, at the end, by a cancel or a
// deadline. Nothing of them stays.
func TestClientsThatVanish(t *testing.T) {
	every13 := func(step int64) error {
		if step%13 == 0 {
			return &moe.Error{Kind: moe.NoReplica}
		}
		return nil
	}
	changed := make(chan struct{})
	close(changed) // every abandoned step is tried again at once
	limits := scheduler.Limits{StepTokens: 64, MaxSequences: 24, MaxWaiting: 30, MaxWaitingTokens: 1500, MaxStepSlowdown: 1.5}
	e := start(t, 60, limits, every13, func(c *Config) {
		c.Speculate, c.Changed = 4, func() <-chan struct{} { return changed }
	})
	before := heap()
	var clients sync.WaitGroup
	var refused, gone, finished, left atomic.Int64
	slots := make(chan struct{}, 100)
	for i := range 1000 {
		slots <- struct{}{}
		clients.Go(func() {
			defer func() { <-slots }()
			rng := rand.New(rand.NewPCG(uint64(i), 1))
			err := visit(t, e, rng)
			for ; errors.Is(err, scheduler.ErrQueueFull) && rng.IntN(40) > 0; err = visit(t, e, rng) {
				refused.Add(1)
				time.Sleep(time.Millisecond)
			}
			switch {
			case errors.Is(err, scheduler.ErrQueueFull):
				refused.Add(1)
				gone.Add(1)
			case err == nil:
				finished.Add(1)
			case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
				left.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	clients.Wait()
	t.Logf("%d finished, %d left, %d were refused: %+v", finished.Load(), left.Load(), refused.Load(), e.Stats())
	if finished.Load() < 50 || left.Load() < 50 || refused.Load() < 50 {
		t.Error("too few of a kind")
	}
	idle(t, e)
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("%d bytes more are in use than before", grown)
	}
	s := e.Stats()
	if ended := s.Stopped + s.Length + s.Canceled + s.Failed; ended+uint64(gone.Load()) != 1000 || s.Rejected != uint64(refused.Load()) || s.Failed > 0 {
		t.Errorf("%d requests ended, %d gave up: %+v", ended, gone.Load(), s)
	}
}

// visit is one client's stay.
func visit(t *testing.T, e *Engine, rng *rand.Rand) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if rng.IntN(4) == 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rng.IntN(20_000))*time.Microsecond)
		defer cancel()
	}
	r := Request{
		MaxTokens: 1 + rng.IntN(80), Logprobs: rng.IntN(4) - 1, Priority: rng.IntN(3), StopTokens: []int32{7},
		PromptLogprobs: rng.IntN(9) == 0, Params: sampler.Params{Temperature: float64(rng.IntN(2)), RepetitionPenalty: 1.1},
	}
	family := rng.IntN(5)
	for i := range 1 + rng.IntN(120) {
		r.Prompt = append(r.Prompt, int32((i*7+i/50*family)%vocab))
	}
	s, err := e.Submit(ctx, r)
	if err != nil {
		return err
	}
	patience := rng.IntN(40) // events
	for n := 0; ; {
		events, err := s.Next(ctx)
		if err != nil {
			return err
		}
		for _, event := range events {
			if event.Err != nil || event.Finish != NotFinished {
				return event.Err
			}
		}
		if n += len(events); n > patience && rng.IntN(2) == 0 {
			return context.Canceled // leaves without a word
		}
	}
}

// idle waits until the engine has nothing to do.
func idle(t *testing.T, e *Engine) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		s := e.Stats()
		if s.Running == 0 && s.Waiting == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("still busy: %+v", s)
		}
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestShutdownEndsEveryRequest stops an engine under load.
func TestShutdownEndsEveryRequest(t *testing.T) {
	e, stop := open(60, wide, nil)
	streams := make([]*Stream, 40)
	for i := range streams {
		r := request(i % 8)
		r.MaxTokens = 300
		var err error
		if streams[i], err = e.Submit(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	stop(t)
	for _, s := range streams {
		if _, err := read(t, s); err != nil && !errors.Is(err, ErrStopped) {
			t.Errorf("ended with %v", err)
		}
	}
	if _, err := e.Submit(t.Context(), request(0)); !errors.Is(err, ErrStopped) {
		t.Errorf("after the end: %v", err)
	}
}
