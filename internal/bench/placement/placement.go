package placement

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cluster"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/moe"
)

// Config describes a measurement.
type Config struct {
	Up        local.UpConfig // its replicas and redundant experts are those of every policy
	Policies  []string       // the first is what the others are compared with
	Cores     []float64      // of CPU time, for each node; empty limits none
	Skew      float64        // of Zipf's law; 0 is an even load
	Sequences int            // of a decode step
	Context   int            // positions before the decoded one
	WarmUp    int            // steps by the first policy, which measure load and speeds
	Steps     int            // of a policy in a round
	Rounds    int
	Seed      uint64
	// Progress is called after every round, unless it is nil.
	Progress func(done, all int)
}

// minCores is what a limit can express: a kernel's quota is at least a millisecond.
const minCores = 0.2

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	if len(c.Policies) == 0 {
		faults = append(faults, errors.New("there are no policies"))
	}
	for _, p := range c.Policies {
		if !slices.Contains(planner.Policies(), p) {
			faults = append(faults, fmt.Errorf("policy %q: want one of %v", p, planner.Policies()))
		}
	}
	if len(c.Cores) > 0 && (len(c.Cores) != c.Up.Nodes || slices.Min(c.Cores) < minCores) {
		faults = append(faults, fmt.Errorf("cores %v: want one number for each of the %d nodes, at least %g", c.Cores, c.Up.Nodes, minCores))
	}
	if c.Skew < 0 || c.Sequences < 1 || c.Context < 0 {
		faults = append(faults, fmt.Errorf("%d sequences at position %d, skew %g: want at least 1, 0 and 0", c.Sequences, c.Context, c.Skew))
	}
	if c.WarmUp < 1 || c.Steps < 1 || c.Rounds < 1 {
		faults = append(faults, fmt.Errorf("%d rounds of %d steps after %d: want at least 1 of each", c.Rounds, c.Steps, c.WarmUp))
	}
	return errors.Join(faults...)
}

// Run starts a cluster whose nodes hold every expert, and measures.
func Run(ctx context.Context, c Config) (r Report, err error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	names := make([]string, c.Up.Nodes)
	for i := range names {
		names[i] = "expert-" + strconv.Itoa(i)
	}
	limits, err := limit(names, c.Cores)
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, limits.close()) }()
	up := c.Up
	up.Exec, up.Placement.Policy, up.Placement.Replicas, up.Placement.Redundant = limits.exec, string(planner.Column), c.Up.Nodes, 0
	core, err := cluster.Start(ctx, up, c.Sequences)
	if err != nil {
		return Report{}, err
	}
	defer core.Close(ctx)
	m := &measurement{
		c: c, model: core.Model, random: rand.New(rand.NewPCG(c.Seed, 8)), core: core,
		runner: pipeline.New(core.Model, newZipf(core.Dense, core.Model, c.Skew, c.Seed), core.Dispatcher, pipeline.MicroBatcher{}),
	}
	return cluster.Steady(ctx, core, m.all)
}

// measurement is a run in progress.
type measurement struct {
	c      Config
	model  model.Config
	random *rand.Rand
	core   *cluster.Core
	runner *pipeline.Runner
	steps  uint64
	plans  []plan // one for each policy
}

// all measures load and speeds by the first policy, asks for the placements of all,
// and measures those in turns.
func (m *measurement) all(ctx context.Context) (Report, error) {
	if err := m.plan(ctx); err != nil {
		return Report{}, err
	}
	rates := map[string][]float64{}     // tokens per second, by round
	for round := range m.c.Rounds + 1 { // the first warms up
		took, err := m.round(ctx, round)
		if err != nil {
			return Report{}, fmt.Errorf("round %d: %w", round, err)
		}
		for policy, t := range took {
			if round > 0 {
				rates[policy] = append(rates[policy], float64(m.c.Sequences*m.c.Steps)/t.Seconds())
			}
		}
		if m.c.Progress != nil {
			m.c.Progress(round, m.c.Rounds)
		}
	}
	return m.report(rates), nil
}

// round lets every policy decode the same steps, and compares their logits.
func (m *measurement) round(ctx context.Context, round int) (map[string]time.Duration, error) {
	batches := make([]*model.Batch, m.c.Steps)
	for i := range batches {
		batches[i] = cluster.DrawBatch(m.random, m.model.Vocab, m.c.Sequences, m.c.Context)
	}
	took := map[string]time.Duration{}
	var want []float32
	for _, p := range measure.Turns(m.plans, round) {
		if err := m.adopt(p.replicas); err != nil {
			return nil, err
		}
		logits := tensor.NewMatrix(m.c.Sequences, m.model.Vocab)
		began := time.Now()
		for _, b := range batches {
			if err := m.step(ctx, b, logits); err != nil {
				return nil, fmt.Errorf("%s: %w", p.policy, err)
			}
		}
		took[p.policy] = time.Since(began)
		if want == nil {
			want = logits.Data
		}
		if !slices.Equal(logits.Data, want) {
			return nil, fmt.Errorf("the logits of policy %s are not those of the others", p.policy)
		}
	}
	return took, nil
}

func (m *measurement) step(ctx context.Context, b *model.Batch, logits tensor.Matrix) error {
	m.steps++
	return m.runner.Forward(ctx, b, logits)
}

// adopt lets the core send rows to other replicas from now on. Its placement has an
// epoch above the cluster's, so that no node knows a newer one.
func (m *measurement) adopt(replicas [][]moe.Replica) error {
	now := m.core.Dispatcher.Placement()
	next, err := moe.NewPlacement(now.Epoch()+1, now.Fingerprint(), now.Topology(), replicas)
	if err == nil && !m.core.Dispatcher.Adopt(next) {
		err = errors.New("the router's core does not adopt a placement")
	}
	return err
}
