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
	Singles int // requests of a round to each side, one after another
	Streams int // at once, for throughput
	Answers int // of each stream, one after another
	Prompt  int // tokens
	Answer  int // tokens
	// Progress is called after every round.
	Progress func(round int, r Report)
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var all []error
	for name, n := range map[string]int{
		"rounds": c.Rounds, "singles": c.Singles, "streams": c.Streams, "answers": c.Answers, "prompt tokens": c.Prompt, "answer tokens": c.Answer,
	} {
		if n < 1 {
			all = append(all, fmt.Errorf("%d %s: want at least 1", n, name))
		}
	}
	return errors.Join(all...)
}

// side is the router, or the gateway in front of it.
type side struct {
	client serve.Client
	tokens []int32     // of which prompts are made
	first  [][]float64 // times to first token of each round, milliseconds
	rate   []float64   // tokens per second of each round
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
	var sides []*side
	for _, url := range []string{"http://" + view.Routers[0].GetHttpAddr(), cluster.URL()} {
		s := &side{client: serve.Client{URL: url, HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: c.Streams}}}}
		if s.tokens, err = s.client.Tokens(ctx); err != nil {
			return Report{}, err
		}
		sides = append(sides, s)
	}
	if err := measureRound(ctx, c, sides, 0); err != nil { // connections, caches
		return Report{}, err
	}
	for _, s := range sides {
		s.first, s.rate = nil, nil
	}
	var r Report
	for round := range c.Rounds {
		if err := measureRound(ctx, c, sides, round); err != nil {
			return r, err
		}
		if r = reportOf(c, sides[0], sides[1]); c.Progress != nil {
			c.Progress(round, r)
		}
	}
	return r, nil
}

// measureRound measures single requests to each side in turns, then many at once.
func measureRound(ctx context.Context, c Config, sides []*side, round int) error {
	for _, s := range sides {
		s.first = append(s.first, nil)
	}
	for i := range c.Singles {
		for _, s := range measure.Turns(sides, round+i) {
			sample := s.client.Do(ctx, time.Now(), serve.Request{Prompt: c.Prompt, Answer: 1, Offset: i * c.Prompt}, s.tokens)
			if sample.Err != nil {
				return sample.Err
			}
			last := len(s.first) - 1
			s.first[last] = append(s.first[last], measure.Milliseconds(sample.First))
		}
	}
	for _, s := range measure.Turns(sides, round) {
		rate, err := s.client.Throughput(ctx, serve.Load{Streams: c.Streams, Answers: c.Answers, Prompt: c.Prompt, Answer: c.Answer}, s.tokens)
		if err != nil {
			return err
		}
		s.rate = append(s.rate, rate)
	}
	return nil
}
