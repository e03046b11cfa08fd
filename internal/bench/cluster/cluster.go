package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
)

// Variant is where the experts are, and how a step reaches them.
type Variant string

const (
	Whole        Variant = "one process"            // all experts beside attention
	Cluster      Variant = "cluster"                // expert nodes, every step in one piece
	MicroBatches Variant = "cluster, micro-batches" // expert nodes, as many micro-batches as are chosen
	Plaintext    Variant = "cluster, plaintext"     // as Cluster, without TLS, gossip keys and signatures
)

// Config describes a measurement.
type Config struct {
	Up        local.UpConfig // its nodes are measured; its own router stays idle
	Sequences []int          // of a decode step
	Context   int            // positions before the decoded one
	Steps     int            // of a variant in a round
	Rounds    int
	Seed      uint64
	// Plaintext measures a second cluster too, whose connections are plaintext. Up
	// must not be plaintext then. ListenPlaintext is where its idle router listens.
	Plaintext       bool
	ListenPlaintext string
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

// variants are those that are measured.
func (c Config) variants() []Variant {
	out := []Variant{Whole, Cluster, MicroBatches}
	if c.Plaintext {
		out = append(out, Plaintext)
	}
	return out
}

// Run starts the clusters and measures.
func Run(ctx context.Context, c Config) (Report, error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	core, err := Start(ctx, c.Up, slices.Max(c.Sequences))
	if err != nil {
		return Report{}, err
	}
	defer core.Close(ctx)
	whole, err := core.LocalExperts(ctx)
	if err != nil {
		return Report{}, err
	}
	m := &measurement{c: c, model: core.Model, random: rand.New(rand.NewPCG(c.Seed, 8)), runners: map[Variant]*pipeline.Runner{
		Whole:        pipeline.New(core.Model, core.Dense, whole, pipeline.MicroBatcher{}),
		Cluster:      pipeline.New(core.Model, core.Dense, core.Dispatcher, pipeline.MicroBatcher{}),
		MicroBatches: pipeline.New(core.Model, core.Dense, core.Dispatcher, pipeline.MicroBatcher{Max: pipeline.MaxMicroBatches}),
	}}
	if c.Plaintext {
		up := c.Up
		up.Security.Plaintext, up.Listen, up.DataDir = true, c.ListenPlaintext, filepath.Join(c.Up.DataDir, "plaintext")
		plain, err := Start(ctx, up, slices.Max(c.Sequences))
		if err != nil {
			return Report{}, err
		}
		defer plain.Close(ctx)
		m.runners[Plaintext] = pipeline.New(core.Model, core.Dense, plain.Dispatcher, pipeline.MicroBatcher{})
	}
	return Steady(ctx, core, m.all)
}

// measurement is a run in progress.
type measurement struct {
	c       Config
	model   model.Config
	random  *rand.Rand
	runners map[Variant]*pipeline.Runner
}

func (m *measurement) all(ctx context.Context) (Report, error) {
	r := Report{Model: m.c.Up.Model.Dir, Nodes: m.c.Up.Nodes, Replicas: m.c.Up.Placement.Replicas,
		Context: m.c.Context, Steps: m.c.Steps, Rounds: m.c.Rounds}
	took := map[int]map[Variant][]time.Duration{}
	parts := map[int][]int{}
	for _, n := range m.c.Sequences {
		took[n] = map[Variant][]time.Duration{}
	}
	for round := range m.c.Rounds + 1 { // the first warms up
		for _, n := range m.c.Sequences {
			times, err := m.round(ctx, n, round)
			if err != nil {
				return r, fmt.Errorf("%d sequences, round %d: %w", n, round, err)
			}
			for v, t := range times {
				if round > 0 {
					took[n][v] = append(took[n][v], t)
				}
			}
			parts[n] = append(parts[n], m.runners[MicroBatches].Decision().MicroBatches)
		}
		if m.c.Progress != nil {
			m.c.Progress(round, m.c.Rounds)
		}
	}
	for _, n := range m.c.Sequences {
		r.Results = append(r.Results, results(m.c.variants(), n, m.c.Steps, took[n], parts[n])...)
	}
	return r, nil
}

// round lets every variant decode the same steps, and compares their logits.
func (m *measurement) round(ctx context.Context, n, round int) (map[Variant]time.Duration, error) {
	batches := make([]*model.Batch, m.c.Steps)
	for i := range batches {
		batches[i] = DrawBatch(m.random, m.model.Vocab, n, m.c.Context)
	}
	took := map[Variant]time.Duration{}
	var want []float32
	for _, v := range measure.Turns(m.c.variants(), round) {
		logits := tensor.NewMatrix(n, m.model.Vocab)
		began := time.Now()
		for _, b := range batches {
			if err := m.runners[v].Forward(ctx, b, logits); err != nil {
				return nil, fmt.Errorf("%s: %w", v, err)
			}
		}
		took[v] = time.Since(began)
		if want == nil {
			want = logits.Data
		}
		if !slices.Equal(logits.Data, want) {
			return nil, fmt.Errorf("the logits of %q are not those of the others", v)
		}
	}
	return took, nil
}
