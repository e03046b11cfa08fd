package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
)

// Way is where the experts are, and how a step reaches them.
type Way string

const (
	Whole Way = "one process"            // all experts beside attention
	Plain Way = "cluster"                // expert nodes, every step in one piece
	Auto  Way = "cluster, micro-batches" // expert nodes, as many micro-batches as are chosen
)

var ways = []Way{Whole, Plain, Auto}

// Config describes a measurement.
type Config struct {
	Up        local.UpConfig // its nodes are measured; its own router stays idle
	Sequences []int          // of a decode step
	Context   int            // positions before the decoded one
	Steps     int            // of a way in a round
	Rounds    int
	Seed      uint64
	// Progress is called after every round, unless it is nil.
	Progress func(done, all int)
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	if len(c.Sequences) == 0 || slices.Min(c.Sequences) < 1 {
		faults = append(faults, fmt.Errorf("sequences %v: want some, 1 or more each", c.Sequences))
	}
	if c.Steps < 1 || c.Rounds < 1 || c.Context < 0 {
		faults = append(faults, fmt.Errorf("%d rounds of %d steps at position %d: want at least 1 of 1, at 0", c.Rounds, c.Steps, c.Context))
	}
	return errors.Join(faults...)
}

// Run starts the cluster and measures.
func Run(ctx context.Context, c Config) (Report, error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	cluster, err := local.Up(ctx, c.Up)
	if err != nil {
		return Report{}, err
	}
	defer cluster.Close(context.WithoutCancel(ctx))
	if err := cluster.Ready(ctx); err != nil {
		return Report{}, err
	}
	view, err := cluster.View(ctx)
	if err != nil {
		return Report{}, err
	}
	router, err := c.router(cluster)
	if err != nil {
		return Report{}, err
	}
	core, err := role.OpenCore(ctx, router)
	if err != nil {
		return Report{}, err
	}
	defer core.Close()
	if !core.Dispatcher.Adopt(view.Placement) {
		return Report{}, errors.New("the cluster serves another model")
	}
	whole, err := core.LocalExperts(ctx)
	if err != nil {
		return Report{}, err
	}
	m := &measurement{c: c, model: core.Model, random: rand.New(rand.NewPCG(c.Seed, 8)), runners: map[Way]*pipeline.Runner{
		Whole: pipeline.New(core.Model, core.Dense, whole, pipeline.MicroBatcher{}),
		Plain: pipeline.New(core.Model, core.Dense, core.Dispatcher, pipeline.MicroBatcher{}),
		Auto:  pipeline.New(core.Model, core.Dense, core.Dispatcher, pipeline.MicroBatcher{Max: pipeline.MaxMicroBatches}),
	}}
	return m.all(ctx)
}

// router is the configuration of the core in this process: what the cluster's
// own router has.
func (c Config) router(of *local.Cluster) (out role.RouterConfig, err error) {
	const name = "bench"
	serving := c.Up.Serving
	serving.MaxSequences = slices.Max(c.Sequences)
	out = role.RouterConfig{
		ClusterConfig: role.ClusterConfig{ID: name, Cluster: of.Name(), Logger: c.Up.Logger},
		ModelConfig:   ofThisProcess(c.Up.Model, c.Up.RouterThreads()),
		Serving:       serving,
	}
	if !c.Up.Security.Plaintext {
		out.Security.Certificates, err = of.Certificates(identity.Router, name)
	}
	return out, err
}

// ofThisProcess is a model that this process computes.
func ofThisProcess(m role.ModelConfig, threads int) role.ModelConfig {
	m.Threads, m.Backends = threads, []backend.Backend{cpu.Backend()}
	return m
}

// measurement is a run in progress.
type measurement struct {
	c       Config
	model   model.Config
	random  *rand.Rand
	runners map[Way]*pipeline.Runner
}

func (m *measurement) all(ctx context.Context) (Report, error) {
	r := Report{Model: m.c.Up.Model.Dir, Nodes: m.c.Up.Nodes, Replicas: m.c.Up.Placement.Replicas,
		Context: m.c.Context, Steps: m.c.Steps, Rounds: m.c.Rounds}
	took := map[int]map[Way][]time.Duration{}
	parts := map[int][]int{}
	for _, n := range m.c.Sequences {
		took[n] = map[Way][]time.Duration{}
	}
	for round := range m.c.Rounds + 1 { // the first warms up
		for _, n := range m.c.Sequences {
			times, err := m.round(ctx, n, round)
			if err != nil {
				return r, fmt.Errorf("%d sequences, round %d: %w", n, round, err)
			}
			for w, t := range times {
				if round > 0 {
					took[n][w] = append(took[n][w], t)
				}
			}
			parts[n] = append(parts[n], m.runners[Auto].Decision().MicroBatches)
		}
		if m.c.Progress != nil {
			m.c.Progress(round, m.c.Rounds)
		}
	}
	for _, n := range m.c.Sequences {
		r.Results = append(r.Results, results(n, m.c.Steps, took[n], parts[n])...)
	}
	return r, nil
}

// round lets every way decode the same steps, and compares their logits.
func (m *measurement) round(ctx context.Context, n, round int) (map[Way]time.Duration, error) {
	batches := make([]*model.Batch, m.c.Steps)
	for i := range batches {
		batches[i] = m.batch(n)
	}
	took := map[Way]time.Duration{}
	var want []float32
	for _, w := range measure.Turns(ways, round) {
		logits := tensor.NewMatrix(n, m.model.Vocab)
		began := time.Now()
		for _, b := range batches {
			if err := m.runners[w].Forward(ctx, b, logits); err != nil {
				return nil, fmt.Errorf("%s: %w", w, err)
			}
		}
		took[w] = time.Since(began)
		if want == nil {
			want = logits.Data
		}
		if !slices.Equal(logits.Data, want) {
			return nil, fmt.Errorf("the logits of %q are not those of the others", w)
		}
	}
	return took, nil
}

// batch is n sequences of one position behind their context, whose keys and
// values may be anything.
func (m *measurement) batch(n int) *model.Batch {
	b := &model.Batch{}
	perSequence := m.c.Context/model.BlockSize + 1
	for i := range n {
		blocks := make([]int32, perSequence)
		for j := range blocks {
			blocks[j] = int32(i*perSequence + j)
		}
		b.Tokens = append(b.Tokens, m.random.Int32N(int32(m.model.Vocab)))
		b.Spans = append(b.Spans, model.Span{Start: m.c.Context, N: 1, Blocks: blocks})
		b.Outputs = append(b.Outputs, int32(i))
	}
	return b
}
