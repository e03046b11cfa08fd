package sweep

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/sim"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/internal/sim/trace"
)

// Run simulates every cell, a number of them at once. progress, which may be nil, gets the
// cells done and all of them, one call at a time.
func (f *File) Run(atOnce int, progress func(done, all int)) (*Report, error) {
	settings := f.settings()
	out := &Report{file: f, Goal: f.Goal, Cells: make([]Cell, len(settings))}
	failed := make([]error, len(settings))
	next := make(chan int)
	var all sync.WaitGroup
	var mu sync.Mutex // guards done
	done := 0
	for range max(1, atOnce) {
		all.Go(func() {
			for i := range next {
				out.Cells[i], failed[i] = f.simulate(settings[i])
				mu.Lock()
				if done++; progress != nil {
					progress(done, len(settings))
				}
				mu.Unlock()
			}
		})
	}
	for i := range settings {
		next <- i
	}
	close(next)
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	var err error
	out.Measured, err = f.measured()
	return out, err
}

// simulate runs one cell.
func (f *File) simulate(set Setting) (Cell, error) {
	cell := Cell{Setting: set}
	var cluster Cluster
	for _, c := range f.Clusters {
		if c.Name == set.Cluster {
			cluster = c
		}
	}
	s, err := f.read(cluster, f.change(set, cluster))
	if err != nil {
		return cell, fmt.Errorf("%+v: %w", set, err)
	}
	cell.Nodes, cell.Routers = len(s.Nodes), s.Routers.Count
	if cell.Failed = room(s); cell.Failed != "" {
		return cell, nil
	}
	requests, options := f.load(set)
	if len(requests) == 0 {
		return cell, fmt.Errorf("%+v: the trace has no request in this time", set)
	}
	r, err := sim.Run(s, requests, options)
	var form *sim.FormError
	if errors.As(err, &form) {
		cell.Failed = form.Reason
		return cell, nil
	}
	if err != nil {
		return cell, fmt.Errorf("%+v: %w", set, err)
	}
	cell.fill(r, s)
	if options.Users > 0 {
		cell.PerUser = cell.Throughput / float64(options.Users)
	}
	return cell, nil
}

// room says what does not fit; "" if all does.
func room(s *scenario.Scenario) string {
	experts, places := int64(s.Shape.Config.Topology().Experts()), int64(0)
	for _, n := range s.Nodes {
		places += n.Capacity / s.Shape.ExpertBytes
	}
	if places < experts {
		return fmt.Sprintf("%d experts, room for %d", experts, places)
	}
	if m := s.Routers.Machine; s.Shape.DenseBytes > m.Memory {
		return fmt.Sprintf("a router needs %v, it has %v", role.Size(s.Shape.DenseBytes), role.Size(m.Memory))
	}
	return ""
}

// load is what the users of a cell send, or its trace.
func (f *File) load(set Setting) ([]trace.Request, sim.Options) {
	w := f.Workload
	whole := w.WarmUp + w.Duration
	if len(f.Rates) > 0 {
		made := trace.Synthetic{Kind: trace.Kind(w.Synthetic), Seed: w.Seed, Duration: whole, Rate: set.Load}
		return made.Make(), sim.Options{WarmUp: w.WarmUp, Limit: whole}
	}
	users := int(set.Load)
	return steady(users, w.Prompt, w.Answer), sim.Options{Users: users, Think: w.Think, Join: w.Join, WarmUp: w.WarmUp, Stop: whole}
}

// steady are requests of users who have come long ago. What is left of their first answers
// is spread evenly; what came before it is alike for all, so that a router finds most of it
// in its cache, as it would. All later requests are alike in length only.
func steady(users, prompt, answer int) []trace.Request {
	const golden = 0.6180339887498949 // spreads any number of users evenly
	out := make([]trace.Request, 17*users+1024)
	for i := range out {
		out[i] = trace.Request{Prompt: prompt, Answer: answer}
		if i >= users {
			continue
		}
		_, at := math.Modf(float64(i+1) * golden)
		left := max(1, int(math.Round(at*float64(answer))))
		out[i] = trace.Request{Prompt: prompt + answer - left, Answer: left}
		for block := range (out[i].Prompt + trace.BlockTokens - 1) / trace.BlockTokens {
			out[i].Blocks = append(out[i].Blocks, uint64(block))
		}
	}
	return out
}
