package placement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cluster"
	"github.com/hachi-serve/hachi/internal/bench/failover"
	"github.com/hachi-serve/hachi/internal/bench/gauge"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

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
	far, err := c.separate(ctx, &up, names, limits)
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, far.close()) }()
	core, err := start(ctx, up, c.Sequences)
	if err != nil {
		return Report{}, err
	}
	defer core.Close(ctx)
	if err := far.disturb(ctx, c.Delay); err != nil {
		return Report{}, err
	}
	m, err := c.measurement(ctx, core)
	if err != nil {
		return Report{}, err
	}
	defer m.gauge.Close()
	return cluster.Steady(ctx, core, m.all)
}

// start starts a cluster and waits until every node holds every expert.
func start(ctx context.Context, up local.UpConfig, sequences int) (*cluster.Core, error) {
	core, err := cluster.Start(ctx, up, sequences)
	if err != nil {
		return nil, err
	}
	if err = failover.Whole(ctx, core.Local, up); err == nil {
		var view status.View
		if view, err = core.Local.View(ctx); err == nil {
			core.Dispatcher.Adopt(view.Placement)
		}
	}
	if err != nil {
		core.Close(ctx)
		return nil, err
	}
	return core, nil
}

// measurement is a run in progress.
type measurement struct {
	c       Config
	config  json.RawMessage
	model   model.Config
	random  *rand.Rand
	core    *cluster.Core
	gauge   *gauge.Gauge
	runners map[int]*pipeline.Runner // by the number of micro-batches
	steps   uint64
	nodes   []*hachiv1.NodeRecord // with their speeds
	plans   []plan                // one for each policy and number of replicas
	options []option
}

// option is a plan, computed in some micro-batches.
type option struct {
	plan         *plan
	microBatches int
}

// combine are the options of plans and numbers of micro-batches. One that comes to the same
// as an earlier one is left out: its plan has the same replicas, as every plan that puts
// all experts everywhere has, or there are too few rows for more micro-batches.
func combine(plans []plan, microBatches []int, rows int) (out []option) {
	for i := range plans {
		for _, n := range microBatches {
			n = min(n, rows)
			if !slices.ContainsFunc(out, func(o option) bool {
				return o.microBatches == n && slices.EqualFunc(o.plan.replicas, plans[i].replicas, slices.Equal[[]moe.Replica])
			}) {
				out = append(out, option{&plans[i], n})
			}
		}
	}
	return out
}

func (c Config) measurement(ctx context.Context, core *cluster.Core) (*measurement, error) {
	opened, err := c.Up.Model.Open(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer opened.Checkpoint.Close()
	g, err := gauge.New()
	if err != nil {
		return nil, err
	}
	m := &measurement{c: c, config: opened.Checkpoint.ConfigText(), model: core.Model, random: rand.New(rand.NewPCG(c.Seed, 8)), core: core, gauge: g, runners: map[int]*pipeline.Runner{}}
	dense := newZipf(core.Dense, core.Model, c.Skew, c.Seed)
	for _, n := range c.MicroBatches {
		m.runners[min(n, c.Sequences)] = pipeline.New(core.Model, dense, core.Dispatcher, pipeline.MicroBatcher{Max: pipeline.MaxMicroBatches, Fixed: n})
	}
	return m, nil
}

// all measures load and speeds by the first policy, asks for the placements of all,
// and measures the options in turns.
func (m *measurement) all(ctx context.Context) (Report, error) {
	if err := m.plan(ctx); err != nil {
		return Report{}, err
	}
	m.options = combine(m.plans, m.c.MicroBatches, m.c.Sequences)
	limits, before := m.gauge.Read(), m.core.Dispatcher.Counts()
	rates := map[option][]float64{}     // tokens per second, by round
	for round := range m.c.Rounds + 1 { // the first warms up
		took, err := m.round(ctx, round)
		if err != nil {
			return Report{}, fmt.Errorf("round %d: %w", round, err)
		}
		for o, t := range took {
			if round > 0 {
				rates[o] = append(rates[o], float64(m.c.Sequences*m.c.Steps)/t.Seconds())
			}
		}
		if m.c.Progress != nil {
			m.c.Progress(round, m.c.Rounds)
		}
	}
	r := m.report(rates)
	r.Routing, r.Limits = m.routing(before), limits.Mean(m.gauge.Read())
	return r, nil
}

// routing is how many rows each expert of each layer had since an earlier reading.
func (m *measurement) routing(before []uint64) [][]float64 {
	t := m.model.Topology()
	out := make([][]float64, t.Layers())
	now := m.core.Dispatcher.Counts()
	for i, id := range t.All() {
		out[id.Layer] = append(out[id.Layer], float64(now[i]-before[i]))
	}
	return out
}

// round lets every option decode the same steps, and compares their logits.
func (m *measurement) round(ctx context.Context, round int) (map[option]time.Duration, error) {
	batches := make([]*model.Batch, m.c.Steps)
	for i := range batches {
		batches[i] = cluster.DrawBatch(m.random, m.model.Vocab, m.c.Sequences, m.c.Context)
	}
	took := map[option]time.Duration{}
	var want []float32
	for _, o := range measure.Turns(m.options, round) {
		if err := m.adopt(o.plan.replicas); err != nil {
			return nil, err
		}
		logits := tensor.NewMatrix(m.c.Sequences, m.model.Vocab)
		began := time.Now()
		for _, b := range batches {
			if err := m.step(ctx, o.microBatches, b, logits); err != nil {
				return nil, fmt.Errorf("%s: %w", o.plan.policy, err)
			}
		}
		took[o] = time.Since(began)
		if want == nil {
			want = logits.Data
		}
		if !slices.Equal(logits.Data, want) {
			return nil, fmt.Errorf("the logits of policy %s are not those of the others", o.plan.policy)
		}
	}
	return took, nil
}

func (m *measurement) step(ctx context.Context, microBatches int, b *model.Batch, logits tensor.Matrix) error {
	m.steps++
	return m.runners[microBatches].Forward(ctx, b, logits)
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
