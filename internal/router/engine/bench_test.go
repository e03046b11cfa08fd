package engine_test

import (
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
)

// bench opens the checkpoint that HACHI_MODEL names, for measuring:
//
//	HACHI_MODEL=DIR go test ./internal/router/engine -run xxx -bench . -benchtime 1x
func bench(b *testing.B, cfg engine.Config) (*engine.Engine, func()) {
	b.Helper()
	dir := os.Getenv("HACHI_MODEL")
	if dir == "" {
		b.Skip("HACHI_MODEL names no checkpoint to measure with")
	}
	cfg.Blocks, cfg.PrefixCache = 12000/model.BlockSize, true
	cfg.Limits = scheduler.Limits{StepTokens: 512, MaxSequences: 64, MaxWaiting: 64, MaxStepSlowdown: 1.7}
	return openWeights(b, dir).start(b, cfg, 0, nil, 0)
}

func randomPrompt(n int, seed uint64) []int32 {
	rng, out := rand.New(rand.NewPCG(seed, 7)), make([]int32, n)
	for i := range out {
		out[i] = int32(3 + rng.IntN(30000))
	}
	return out
}

// follow calls f at every token, with the time since the request or the token
// before, until the answer ends or f says no.
func follow(b *testing.B, e *engine.Engine, r engine.Request, f func(gap time.Duration) bool) {
	r.Logprobs = -1
	last := time.Now()
	s, err := e.Submit(b.Context(), r)
	if err != nil {
		b.Error(err)
		return
	}
	for {
		events, err := s.Next(b.Context())
		if err != nil {
			return
		}
		for _, event := range events {
			now := time.Now()
			if event.Err != nil || !f(now.Sub(last)) || event.Finish != engine.NotFinished {
				return
			}
			last = now
		}
	}
}

// firstToken is the time to the first token.
func firstToken(b *testing.B, e *engine.Engine, prompt []int32) (took time.Duration) {
	follow(b, e, engine.Request{Prompt: prompt, MaxTokens: 1}, func(gap time.Duration) bool { took = gap; return true })
	return took
}

// BenchmarkLongPrompt: 8 streams run, a prompt of 4,000 tokens arrives.
func BenchmarkLongPrompt(b *testing.B) {
	e, stop := bench(b, engine.Config{})
	defer stop()
	alone := firstToken(b, e, randomPrompt(4000, 1))
	var mu sync.Mutex // guards gaps and arrived
	var gaps [2][]float64
	arrived := 0 // 1 while the long prompt is being computed
	var streams sync.WaitGroup
	enough := make(chan struct{})
	for i := range 8 {
		streams.Go(func() {
			n := 0
			follow(b, e, engine.Request{Prompt: randomPrompt(20, uint64(100+i)), MaxTokens: 900}, func(gap time.Duration) bool {
				mu.Lock()
				defer mu.Unlock()
				if n++; n > 5 && arrived < 2 {
					gaps[arrived] = append(gaps[arrived], gap.Seconds()*1000)
				}
				if i == 0 && n == 250 {
					close(enough)
				}
				return arrived < 2
			})
		})
	}
	<-enough
	set := func(v int) { mu.Lock(); arrived = v; mu.Unlock() }
	set(1)
	beside := firstToken(b, e, randomPrompt(4000, 2))
	set(2)
	streams.Wait()
	before, during := percentile(gaps[0], 99), percentile(gaps[1], 99)
	b.ReportMetric(percentile(gaps[0], 50), "itl-p50-ms")
	b.ReportMetric(before, "itl-p99-ms")
	b.ReportMetric(percentile(gaps[1], 50), "itl-p50-beside-ms")
	b.ReportMetric(during, "itl-p99-beside-ms")
	b.ReportMetric(during/before, "itl-p99-ratio")
	b.ReportMetric(alone.Seconds()*1000, "ttft-alone-ms")
	b.ReportMetric(beside.Seconds()*1000, "ttft-beside-ms")
	b.ReportMetric(beside.Seconds()/alone.Seconds(), "ttft-ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSharedPrefix: a second request has a prefix of 1,500 tokens in common
// with the first.
func BenchmarkSharedPrefix(b *testing.B) {
	e, stop := bench(b, engine.Config{})
	defer stop()
	prompt := randomPrompt(1520, 3)
	first := firstToken(b, e, prompt)
	second := firstToken(b, e, append(prompt[:1500:1500], randomPrompt(20, 4)...))
	b.ReportMetric(first.Seconds()*1000, "ttft-first-ms")
	b.ReportMetric(second.Seconds()*1000, "ttft-second-ms")
	b.ReportMetric(first.Seconds()/second.Seconds(), "ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSpeculation: an answer that repeats one token, so that every guess is
// right: the most that guesses can gain.
func BenchmarkSpeculation(b *testing.B) {
	for _, n := range []int{0, 6} {
		b.Run(map[int]string{0: "off", 6: "on"}[n], func(b *testing.B) {
			e, stop := bench(b, engine.Config{Speculate: n})
			defer stop()
			const tokens = 128
			r := engine.Request{Prompt: randomPrompt(20, 5), MaxTokens: tokens, Params: sampler.Params{LogitBias: map[int32]float64{1000: 100}}}
			var took time.Duration
			follow(b, e, r, func(gap time.Duration) bool { took += gap; return true })
			s := e.Stats()
			b.ReportMetric(tokens/took.Seconds(), "tokens/s")
			b.ReportMetric(float64(s.Accepted)/float64(max(1, s.Drafted)), "accepted")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func percentile(v []float64, p float64) float64 {
	slices.Sort(v)
	return v[min(len(v)-1, int(float64(len(v))*p/100))]
}
