package keys

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// client is a client of the file with what it has used.
type client struct {
	mu       sync.Mutex // guards the fields below
	entry    Entry
	requests *rate.Limiter
	tokens   *rate.Limiter
	used     Usage
}

// Usage is what a client has used of this process since it began, and what was
// refused.
type Usage struct {
	Client           string
	Running          int // requests
	Requests         uint64
	PromptTokens     uint64
	CompletionTokens uint64
	Refused          map[Reason]uint64
}

const day = 24 * time.Hour

func newClient(e Entry, now time.Time) *client {
	c := &client{requests: rate.NewLimiter(rate.Inf, 0), tokens: rate.NewLimiter(rate.Inf, 0)}
	c.used = Usage{Client: e.Name, Refused: map[Reason]uint64{}}
	c.change(e, now)
	return c
}

// change gives a client its present entry. What it has used of a limit stays used.
func (c *client) change(e Entry, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = limited(c.requests, c.entry.RequestsPerMinute, e.RequestsPerMinute, time.Minute, now)
	c.tokens = limited(c.tokens, c.entry.TokensPerDay, e.TokensPerDay, day, now)
	c.entry = e
}

// limited returns a limiter of n per time, in one burst at most; 0 is no limit.
func limited(old *rate.Limiter, before, n int, per time.Duration, now time.Time) *rate.Limiter {
	switch {
	case n == before:
		return old
	case n == 0:
		return rate.NewLimiter(rate.Inf, 0)
	case before == 0:
		return rate.NewLimiter(rate.Limit(float64(n)/per.Seconds()), n)
	}
	old.SetLimitAt(now, rate.Limit(float64(n)/per.Seconds()))
	old.SetBurstAt(now, n)
	return old
}

// enter counts a request in, or says why it must not run. A request that is refused
// uses nothing of a limit.
func (c *client) enter(now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	refusal := c.refusal(now)
	if refusal == nil {
		c.used.Running++
		c.used.Requests++
		return nil
	}
	c.used.Refused[refusal.Reason]++
	return refusal
}

// refusal takes one request of the rate, or finds a limit. The caller holds mu.
func (c *client) refusal(now time.Time) *Refusal {
	e := c.entry
	switch {
	case !e.Expires.IsZero() && !now.Before(e.Expires):
		return refusef(Expired, e.Name, "the API key of %s has expired: ask the operator for another", e.Name)
	case e.Concurrency > 0 && c.used.Running >= e.Concurrency:
		return refusef(TooMany, e.Name, "%s has %d requests running, and its API key allows %d at once", e.Name, c.used.Running, e.Concurrency)
	}
	if e.TokensPerDay > 0 {
		if left := c.tokens.TokensAt(now); left <= 0 {
			r := refusef(OutOfBudget, e.Name, "%s has used its budget of %d tokens a day", e.Name, e.TokensPerDay)
			r.After = time.Duration((1 - left) / float64(c.tokens.Limit()) * float64(time.Second))
			return r
		}
	}
	if e.RequestsPerMinute > 0 {
		taken := c.requests.ReserveN(now, 1)
		if wait := taken.DelayFrom(now); wait > 0 {
			taken.CancelAt(now)
			r := refusef(TooFast, e.Name, "%s sends more requests than the %d a minute that its API key allows", e.Name, e.RequestsPerMinute)
			r.After = wait
			return r
		}
	}
	return nil
}

// leave counts a request out.
func (c *client) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used.Running--
}

// use counts tokens.
func (c *client) use(prompt, completion int, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used.PromptTokens += uint64(prompt)
	c.used.CompletionTokens += uint64(completion)
	if c.entry.TokensPerDay == 0 {
		return
	}
	// A limiter takes a burst at most at a time; its level may fall below 0.
	for n, burst := prompt+completion, c.tokens.Burst(); n > 0; n -= burst {
		c.tokens.ReserveN(now, min(n, burst))
	}
}

// refuse counts a refusal that was found after enter.
func (c *client) refuse(r *Refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used.Refused[r.Reason]++
}
