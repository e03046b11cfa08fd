package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/serve"
	"github.com/hachi-serve/hachi/internal/local"
)

// Config describes a measurement.
type Config struct {
	Up      local.UpConfig // one router; the gateway is added
	Rounds  int
	Singles int           // requests of a turn, one after another
	Streams int           // at once, for throughput
	Turn    time.Duration // of throughput
	Prompt  int           // tokens
	Answer  int           // tokens
	// Progress is called after every round.
	Progress func(round int, r Report)
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var all []error
	for name, n := range map[string]int{"rounds": c.Rounds, "singles": c.Singles, "streams": c.Streams, "prompt tokens": c.Prompt, "answer tokens": c.Answer} {
		if n < 1 {
			all = append(all, fmt.Errorf("%d %s: want at least 1", n, name))
		}
	}
	if c.Turn <= 0 {
		all = append(all, fmt.Errorf("a turn of %v: want more than 0", c.Turn))
	}
	return errors.Join(all...)
}

// side is the router, or the gateway in front of it.
type side struct {
	client serve.Client
	first  []float64 // median time to first token of each round, milliseconds
	rate   []float64 // tokens per second of each round
}

// Run starts the cluster and measures.
func Run(ctx context.Context, c Config) (Report, error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	c.Up.Routers, c.Up.Gateway = 1, true
	c.Up.Serving.PrefixCache = false // both ask for the same prompts
	cluster, err := local.Up(ctx, c.Up)
	if err != nil {
		return Report{}, err
	}
	defer cluster.Close(context.WithoutCancel(ctx))
	if err := cluster.Ready(ctx); err != nil {
		return Report{}, err
	}
	view, err := cluster.View(ctx)
	if err != nil {
		return Report{}, err
	}
	if len(view.Routers) != 1 {
		return Report{}, fmt.Errorf("%d routers are registered, want 1", len(view.Routers))
	}
	client := func(url string) *side {
		return &side{client: serve.Client{URL: url, HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: c.Streams}}}}
	}
	direct, through := client("http://"+view.Routers[0].GetHttpAddr()), client(cluster.URL())
	for _, s := range []*side{direct, through} { // connections, caches
		if err := s.turn(ctx, c); err != nil {
			return Report{}, err
		}
		s.first, s.rate = nil, nil
	}
	var r Report
	for round := range c.Rounds {
		for _, s := range measure.Turns([]*side{direct, through}, round) {
			if err := s.turn(ctx, c); err != nil {
				return r, err
			}
		}
		if r = reportOf(c, direct, through); c.Progress != nil {
			c.Progress(round, r)
		}
	}
	return r, nil
}

// turn measures single requests, then many at once.
func (s *side) turn(ctx context.Context, c Config) error {
	tokens, err := s.client.Tokens(ctx)
	if err != nil {
		return err
	}
	var first []float64
	for i := range c.Singles {
		sample := s.client.Do(ctx, time.Now(), serve.Request{Prompt: c.Prompt, Answer: 1, Offset: i * c.Prompt}, tokens)
		if sample.Err != nil {
			return sample.Err
		}
		first = append(first, measure.Milliseconds(sample.First))
	}
	fixed := func(n int) serve.Lengths { return serve.Lengths{Median: float64(n), Min: n, Max: n} }
	began := time.Now()
	samples, err := serve.RunClosed(ctx, s.client, serve.Workload{
		Seed: 8, Rate: 1000, Arrival: serve.Fixed, Duration: c.Turn, Prompt: fixed(c.Prompt), Answer: fixed(c.Answer),
	}, c.Streams)
	if err != nil {
		return err
	}
	generated := 0
	for _, sample := range samples {
		if sample.Err != nil {
			return sample.Err
		}
		generated += sample.Generated
	}
	s.first = append(s.first, measure.Median(first))
	s.rate = append(s.rate, float64(generated)/time.Since(began).Seconds())
	return nil
}
