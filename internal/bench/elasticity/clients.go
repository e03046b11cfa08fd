package elasticity

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/client"
)

// clients send requests in closed loops.
type clients struct {
	api    *client.Client
	n      int
	tokens int

	mu       sync.Mutex  // guards the fields below
	arrivals []time.Time // of parts of answers
	answers  int
	longest  time.Duration // between parts of an answer, or before the first
}

func newClients(n, tokens int, gateways []string) *clients {
	dial := func(ctx context.Context, network, _ string) (conn net.Conn, err error) {
		var all []error
		for _, address := range gateways {
			var d net.Dialer
			if conn, err = d.DialContext(ctx, network, address); err == nil {
				return conn, nil
			}
			all = append(all, err)
		}
		return nil, errors.Join(all...)
	}
	return &clients{n: n, tokens: tokens, api: &client.Client{
		URL: "http://" + gateways[0], HTTP: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}},
	}}
}

// ask requests the answer of client i, the same one each time, and reads its stream.
// Odd clients sample.
func (c *clients) ask(ctx context.Context, i int) (text string, err error) {
	seed := uint64(i)
	last := time.Now()
	for chunk, err := range c.api.Stream(ctx, client.CompletionRequest{
		Prompt: fmt.Sprintf("Client %d of a cluster that grows and shrinks asks", i),
		Params: client.Params{MaxTokens: c.tokens, IgnoreEOS: true, Temperature: float64(i%2) * 0.8, Seed: &seed},
	}) {
		if err != nil {
			return text, fmt.Errorf("client %d, after %d bytes of its answer: %w", i, len(text), err)
		}
		if chunk.Usage == nil {
			text, last = text+chunk.Text, c.arrive(last)
		}
	}
	return text, nil
}

// arrive notes a part of an answer.
func (c *clients) arrive(last time.Time) time.Time {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrivals, c.longest = append(c.arrivals, now), max(c.longest, now.Sub(last))
	return now
}

// run asks in n loops until ctx ends, and lets the last answers end. The first failure
// and the first answer that differs from want end it at once.
func (c *clients) run(ctx context.Context, want []string) error {
	// An answer that has begun is read to its end: the end of ctx is no fault.
	work, fail := context.WithCancelCause(context.WithoutCancel(ctx))
	defer fail(nil)
	var all sync.WaitGroup
	for i := range c.n {
		all.Go(func() {
			for ctx.Err() == nil && work.Err() == nil {
				got, err := c.ask(work, i)
				if err == nil && got != want[i] {
					err = fmt.Errorf("client %d: the answer is not that of an undisturbed run: %q, want %q", i, got, want[i])
				}
				if err != nil {
					fail(err)
					return
				}
				c.mu.Lock()
				c.answers++
				c.mu.Unlock()
			}
		})
	}
	all.Wait()
	return context.Cause(work)
}

// undisturbed asks once for each client.
func (c *clients) undisturbed(ctx context.Context) ([]string, error) {
	out := make([]string, c.n)
	for i := range out {
		var err error
		if out[i], err = c.ask(ctx, i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// reset forgets what has come so far.
func (c *clients) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrivals, c.answers, c.longest = nil, 0, 0
}

// takeLongest is the longest wait since the last call.
func (c *clients) takeLongest() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.longest
	c.longest = 0
	return out
}
