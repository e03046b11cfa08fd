package serve

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// RunClosed keeps a number of requests of the workload in flight for its duration,
// whatever its rate, and returns their samples: what a server can do at most. A
// request that is refused is followed by another at once.
func RunClosed(ctx context.Context, c Client, w Workload, clients int) ([]Sample, error) {
	requests := w.Requests()
	if len(requests) == 0 {
		return nil, errors.New("the workload has no request")
	}
	tokens, err := c.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	end := time.Now().Add(w.Duration)
	var next atomic.Int64
	var mu sync.Mutex // guards samples
	var samples []Sample
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for time.Now().Before(end) && ctx.Err() == nil {
				s := c.Do(ctx, time.Now(), requests[int(next.Add(1)-1)%len(requests)], tokens)
				mu.Lock()
				samples = append(samples, s)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return samples, context.Cause(ctx)
}

// Between keeps the samples of requests that ended within d of start: a rate
// counted over them is not diluted by the wait for the last.
func Between(samples []Sample, start time.Time, d time.Duration) (out []Sample) {
	for _, s := range samples {
		if end := s.Due.Add(s.Total); !end.Before(start) && end.Before(start.Add(d)) {
			out = append(out, s)
		}
	}
	return out
}
