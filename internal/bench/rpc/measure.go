package rpc

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// Run measures every part: it starts the nodes again for each pin and state of
// the cores.
func Run(ctx context.Context, c Config) (Report, error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	r := Report{CPUs: runtime.NumCPU(), GoVersion: runtime.Version(), Network: c.network(), Spin: microseconds(c.Spin), Rounds: c.Rounds, Span: c.Span.Seconds()}
	for _, pin := range c.Pins {
		for _, cores := range c.Cores {
			if c.Progress != nil {
				c.Progress(pin, cores)
			}
			results, err := part(ctx, c, pin, cores)
			if err != nil {
				return r, fmt.Errorf("pin %s, cores %s: %w", pin, cores, err)
			}
			r.Results = append(r.Results, results...)
		}
	}
	return r, nil
}

// part measures all shapes with processes in one arrangement.
func part(ctx context.Context, c Config, pin Pin, state Cores) ([]Result, error) {
	cores, err := allowed()
	if err != nil {
		return nil, err
	}
	p, err := start(c, pin, state)
	if err != nil {
		return nil, err
	}
	defer p.end()
	if pin != Unpinned {
		runtime.GOMAXPROCS(1) // what a process has that is started on one core
		defer func() {
			_ = moveTo(cores)              // where it came from
			runtime.SetDefaultGOMAXPROCS() // it counts the cores there
		}()
	}
	seen := map[Shape]map[Variant][]sample{}
	for range c.Rounds {
		for _, shape := range c.Shapes {
			for at, v := range variants {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				s, err := sampleOf(v, c, shape, p, p.addrs(at, shape.FanOut))
				if err != nil {
					return nil, fmt.Errorf("%s, %d bytes to %d nodes: %w", v, shape.Payload, shape.FanOut, err)
				}
				if seen[shape] == nil {
					seen[shape] = map[Variant][]sample{}
				}
				seen[shape][v] = append(seen[shape][v], s)
			}
		}
	}
	var out []Result
	for _, shape := range c.Shapes {
		for _, v := range variants {
			out = append(out, summarize(Result{Pin: pin, Cores: state, Variant: v, Shape: shape}, seen[shape]))
		}
	}
	return out, nil
}

// sample is one variant on one shape in one round.
type sample struct {
	p50, p99      time.Duration
	objects, size float64 // allocated here, per hop
	trips         int
	node          float64 // CPU time of nodes, per hop, seconds
}

// warm is the share of a span that is not counted.
const warm = 10

// sampleOf makes trips for a while.
func sampleOf(v Variant, c Config, shape Shape, p *processes, addrs []string) (sample, error) {
	payload := make([]byte, shape.Payload)
	for i := range payload {
		payload[i] = byte(i * 31)
	}
	t, err := c.open(v, p.certificates.router, addrs, payload)
	if err != nil {
		return sample{}, err
	}
	defer t.close()
	if err := t.once(); err != nil {
		return sample{}, err
	}
	if err := check(t, payload); err != nil {
		return sample{}, err
	}
	took := make([]time.Duration, 0, 1<<17)
	if took, err = repeat(t, shape.Sequential, took, c.Span/warm); err != nil {
		return sample{}, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	idle := p.cpu(shape.FanOut)
	took, err = repeat(t, shape.Sequential, took[:0], c.Span)
	busy := p.cpu(shape.FanOut)
	runtime.ReadMemStats(&after)
	if err != nil {
		return sample{}, err
	}
	hops := float64(len(took) * shape.Sequential * shape.FanOut)
	s := sample{trips: len(took), objects: float64(after.Mallocs-before.Mallocs) / hops, size: float64(after.TotalAlloc-before.TotalAlloc) / hops, node: (busy - idle) / hops}
	slices.Sort(took)
	s.p50, s.p99 = measure.Percentile(took, 50), measure.Percentile(took, 99)
	return s, nil
}

// repeat makes trips until a span is over or took is full.
func repeat(t trip, sequential int, took []time.Duration, span time.Duration) ([]time.Duration, error) {
	for end := time.Now().Add(span); len(took) < cap(took); {
		began := time.Now()
		for range sequential {
			if err := t.once(); err != nil {
				return nil, err
			}
		}
		now := time.Now()
		took = append(took, now.Sub(began))
		if now.After(end) {
			break
		}
	}
	return took, nil
}
