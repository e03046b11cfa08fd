package failover

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/cputime"
	"github.com/hachi-serve/hachi/internal/bench/gauge"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/scrape"
	"github.com/hachi-serve/hachi/internal/local"
)

// starts is how many starts are measured.
const starts = 5

// scene reads what does not change.
func (m *measurement) scene(ctx context.Context) (*cell.Scene, *gauge.Gauge, error) {
	up := m.c.Up
	opened, err := up.Model.Open(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	defer opened.Checkpoint.Close()
	g, err := gauge.New()
	if err != nil {
		return nil, nil, err
	}
	s := &cell.Scene{
		Setting: cell.Setting{
			Model: filepath.Base(up.Model.Dir), Quantize: up.Model.Quantize, Nodes: up.Nodes, Replicas: up.Placement.Replicas, Threads: up.Model.Threads,
			NodeThreads: up.NodeThreads(), RouterThreads: up.RouterThreads(), Batch: m.c.Streams, Answer: m.c.Tokens, Answers: 1, Fault: cell.Kill,
		},
		Config: opened.Checkpoint.ConfigText(), Machine: g.Machine(), RealTime: realTime(), Limits: g.Read(),
	}
	for i := range m.c.Streams {
		s.Prompts = append(s.Prompts, promptTokens(i))
	}
	return s, g, nil
}

// observe reads the counters of rows, the machine and what starts cost, after all streams.
func (m *measurement) observe(ctx context.Context, s *cell.Scene, g *gauge.Gauge) (err error) {
	s.Limits = s.Limits.Mean(g.Read())
	if s.Routing, err = scrape.ReadRouting(ctx, http.DefaultClient, []string{m.cluster.URL()}); err != nil {
		return err
	}
	var all []float64
	for i := range starts {
		one, err := m.start(ctx, fmt.Sprintf("expert-%d", i%m.c.Up.Nodes))
		if err != nil {
			return err
		}
		all = append(all, one)
	}
	s.Start = measure.Median(all)
	return nil
}

// start kills a node that has nothing to do, and returns the CPU time that the next
// process has had when it serves, seconds.
func (m *measurement) start(ctx context.Context, node string) (float64, error) {
	victim, at := m.cluster.Child(node), time.Now()
	if err := victim.Signal(syscall.SIGKILL); err != nil {
		return 0, err
	}
	if err := WholeAgain(ctx, m.cluster, m.c.Up, node, at); err != nil {
		return 0, err
	}
	return cputime.Of(victim.PID())
}

// pollEvery is how often a process is looked for that starts again.
const pollEvery = 5 * time.Millisecond

// reborn waits for a child's next process, and returns how long after a time it started.
func reborn(victim *local.Child, last int, at time.Time) time.Duration {
	for victim.PID() == last && time.Since(at) < wholeWithin {
		time.Sleep(pollEvery)
	}
	return time.Since(at)
}
