package serve

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Options bound a run.
type Options struct {
	// InFlight bounds the client's open requests; 0 is 4096.
	InFlight int
	// Drain bounds the wait for answers after the last arrival; 0 is no bound.
	Drain time.Duration
	// Progress is called from time to time with the requests sent and ended.
	Progress func(sent, ended, all int)
}

// errShed is the end of a request that was due while too many were open.
var errShed = errors.New("not sent: too many requests are in flight")

// Run sends a workload and returns a sample for every request of it.
func Run(ctx context.Context, c Client, w Workload, o Options) ([]Sample, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	tokens, err := c.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	if o.InFlight == 0 {
		o.InFlight = 4096
	}
	r := &running{open: make(chan struct{}, o.InFlight)}
	requests := w.Requests()
	r.samples = make([]Sample, len(requests))
	outer := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start := time.Now()
	for i, request := range requests {
		if !sleepUntil(ctx, start.Add(request.At)) {
			break
		}
		r.send(ctx, c, i, start.Add(request.At), request, tokens)
		if o.Progress != nil {
			o.Progress(i+1, r.ended(), len(requests))
		}
	}
	if o.Drain > 0 {
		defer time.AfterFunc(o.Drain, cancel).Stop()
	}
	r.all.Wait()
	return r.samples, context.Cause(outer)
}

// running is the state of a run.
type running struct {
	open    chan struct{} // a token per request in flight
	all     sync.WaitGroup
	mu      sync.Mutex // guards done
	done    int
	samples []Sample // one per request, each written by its own goroutine
}

func (r *running) send(ctx context.Context, c Client, i int, due time.Time, request Request, tokens []int32) {
	select {
	case r.open <- struct{}{}:
	default:
		r.samples[i] = Sample{Due: due, Prompt: request.Prompt, Err: errShed}
		r.end()
		return
	}
	r.all.Go(func() {
		r.samples[i] = c.Do(ctx, due, request, tokens)
		<-r.open
		r.end()
	})
}

func (r *running) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
}

func (r *running) ended() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done
}

// sleepUntil reports false when ctx ended first.
func sleepUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
