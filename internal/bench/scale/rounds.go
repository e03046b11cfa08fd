package scale

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/failover"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/local"
)

// WarmAnswer is how many tokens a stream's answer has that warms up a round.
const WarmAnswer = 8

// all measures cells in rounds, another one first in each.
func (r *running) all(ctx context.Context, settings []Setting) ([]Cell, error) {
	cells := make([]Cell, len(settings))
	order := make([]int, len(settings))
	for i, s := range settings {
		s.NodeThreads, s.RouterThreads = r.up.NodeThreads(), r.up.RouterThreads()
		order[i], cells[i] = i, Cell{Version: version, Setting: s, Config: r.config, Machine: Machine{r.gauge.cores, r.gauge.kernels.Name()}}
	}
	for round := range r.c.Rounds {
		for _, i := range measure.Turns(order, round) {
			one, err := r.round(ctx, &cells[i], round, None)
			if err != nil {
				return nil, err
			}
			cells[i].Rounds = append(cells[i].Rounds, one)
		}
	}
	if r.c.Fault != None {
		if err := r.faults(ctx, cells); err != nil {
			return nil, err
		}
	}
	for i := range cells {
		cells[i].sumUp()
	}
	return cells, nil
}

// faults replaces the undisturbed rounds of cells by disturbed ones.
func (r *running) faults(ctx context.Context, cells []Cell) error {
	for i := range cells {
		cells[i].sumUp()
		calm := cells[i].Result.Gap.P99
		cells[i].Rounds = nil
		for round := range r.c.Rounds {
			one, err := r.round(ctx, &cells[i], r.c.Rounds+round, r.c.Fault)
			if err != nil {
				return err
			}
			for j := range one.Stalls {
				one.Stalls[j] = max(0, one.Stalls[j]-calm)
			}
			slices.Sort(one.Stalls)
			cells[i].Rounds = append(cells[i].Rounds, one)
		}
	}
	return nil
}

// round runs the load of a cell once, after a short one that warms up.
func (r *running) round(ctx context.Context, cell *Cell, round int, fault Fault) (Round, error) {
	s := cell.Setting
	warm := s
	warm.Answers, warm.Answer = 1, WarmAnswer
	if _, err := r.load(warm).run(ctx, 2*round, nil); err != nil {
		return Round{}, err
	}
	limits := r.gauge.read()
	counted, err := countsOf(ctx, r.local.URL())
	if err != nil {
		return Round{}, err
	}
	clocks, err := clocksOf(r.local, s.Nodes)
	if err != nil {
		return Round{}, err
	}
	var f strike
	if fault == Kill {
		f.victim = r.local.Child("expert-0")
	}
	streams, err := r.load(s).run(ctx, 2*round+1, f.begin)
	if err = errors.Join(err, f.err); err != nil {
		return Round{}, err
	}
	out := summary(streams)
	if f.victim != nil {
		for _, d := range longest(streams, f.at) {
			out.Stalls = append(out.Stalls, measure.Milliseconds(d))
		}
		if err := failover.WholeAgain(ctx, r.local, r.up, f.victim.Name(), f.at); err != nil {
			return Round{}, err
		}
	} else {
		after, err := clocksOf(r.local, s.Nodes)
		if err != nil {
			return Round{}, err
		}
		out.CPU = after.since(clocks)
	}
	now, err := countsOf(ctx, r.local.URL())
	if err != nil {
		return Round{}, err
	}
	out.Parts = now.since(counted)
	for layer, experts := range now.routing(counted) {
		for expert, rows := range experts {
			add(&cell.Routing, layer, expert, rows)
		}
	}
	out.Limits = mean(limits, r.gauge.read())
	return out, nil
}

// strike is the fault of a round.
type strike struct {
	victim *local.Child // nil is none
	at     time.Time
	err    error
}

// begin kills the victim.
func (s *strike) begin() {
	if s.victim != nil {
		s.at = time.Now()
		s.err = s.victim.Signal(syscall.SIGKILL)
	}
}

// stall are the percentiles of the stalls of all rounds.
func (c *Cell) stall() measure.Latency {
	var all []time.Duration
	for _, r := range c.Rounds {
		for _, ms := range r.Stalls {
			all = append(all, time.Duration(ms*float64(time.Millisecond)))
		}
	}
	return measure.LatencyOf(all)
}
