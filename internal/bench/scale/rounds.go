package scale

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/failover"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/scrape"
	"github.com/hachi-serve/hachi/internal/local"
)

// all measures cells in rounds, another one first in each.
func (r *running) all(ctx context.Context, settings []cell.Setting) ([]cell.Cell, error) {
	cells := make([]cell.Cell, len(settings))
	order := make([]int, len(settings))
	for i, s := range settings {
		s.NodeThreads, s.RouterThreads = r.up.NodeThreads(), r.up.RouterThreads()
		order[i], cells[i] = i, cell.Cell{
			Version: cell.Version, Setting: s, Config: r.config, Machine: r.gauge.Machine(),
		}
	}
	for round := range r.c.Rounds {
		for _, i := range measure.Turns(order, round) {
			one, err := r.round(ctx, &cells[i], round, cell.None)
			if err != nil {
				return nil, err
			}
			cells[i].Rounds = append(cells[i].Rounds, one)
		}
	}
	if r.c.Fault != cell.None {
		if err := r.faults(ctx, cells); err != nil {
			return nil, err
		}
	}
	for i := range cells {
		cells[i].SumUp()
	}
	return cells, nil
}

// faults replaces the undisturbed rounds of cells by disturbed ones.
func (r *running) faults(ctx context.Context, cells []cell.Cell) error {
	for i := range cells {
		cells[i].SumUp()
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
func (r *running) round(ctx context.Context, to *cell.Cell, round int, fault cell.Fault) (cell.Round, error) {
	s := to.Setting
	warm := s
	warm.Answers, warm.Answer = 1, cell.WarmAnswer
	if _, err := r.load(warm).run(ctx, 2*round, nil); err != nil {
		return cell.Round{}, err
	}
	limits := r.gauge.Read()
	counted, err := countsOf(ctx, r.local.URL())
	if err != nil {
		return cell.Round{}, err
	}
	clocks, err := clocksOf(r.local, s.Nodes)
	if err != nil {
		return cell.Round{}, err
	}
	var f strike
	if fault == cell.Kill {
		f.victim = r.local.Child("expert-0")
	}
	streams, err := r.load(s).run(ctx, 2*round+1, f.begin)
	if err = errors.Join(err, f.err); err != nil {
		return cell.Round{}, err
	}
	out := summary(streams)
	if f.victim != nil {
		for _, d := range longest(streams, f.at) {
			out.Stalls = append(out.Stalls, measure.Milliseconds(d))
		}
		if err := failover.WholeAgain(ctx, r.local, r.up, f.victim.Name(), f.at); err != nil {
			return cell.Round{}, err
		}
	} else {
		after, err := clocksOf(r.local, s.Nodes)
		if err != nil {
			return cell.Round{}, err
		}
		out.CPU = after.since(clocks)
	}
	now, err := countsOf(ctx, r.local.URL())
	if err != nil {
		return cell.Round{}, err
	}
	out.Parts = now.since(counted)
	if err := route(to, counted, now); err != nil {
		return cell.Round{}, err
	}
	out.Limits = limits.Mean(r.gauge.Read())
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

// route adds the rows that experts had between two readings.
func route(to *cell.Cell, before, after counts) error {
	earlier, err := scrape.RoutingOf(before)
	if err != nil {
		return err
	}
	rows, err := scrape.RoutingOf(after)
	if err != nil {
		return err
	}
	if rows, err = rows.Since(earlier); err == nil && to.Routing != nil {
		rows, err = rows.Plus(to.Routing)
	}
	to.Routing = rows
	return err
}
