package model

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/bench/kernel"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/moe"
)

// Options say what to measure.
type Options struct {
	Dir      string // checkpoint, or the place of one
	Open     Open   // opens it; nil opens a directory
	Pool     *cpu.Pool
	Prefill  []int // prompt lengths
	Decode   []int // sequences a step
	Context  int   // positions before the decoded ones
	Numerics model.Overrides
	Rounds   int
	Memory   int // bytes for the stream between steps
	Seed     uint64
}

// Open opens the checkpoint of a place.
type Open func(ctx context.Context, place string) (*checkpoint.Checkpoint, error)

func (o Open) open(ctx context.Context, place string) (*checkpoint.Checkpoint, error) {
	if o == nil {
		return checkpoint.Open(place)
	}
	return o(ctx, place)
}

// Report is one run.
type Report struct {
	Model           string        `json:"model"`
	DType           string        `json:"dtype"`
	KV              string        `json:"kv"`
	FFNActivation   string        `json:"ffn_activation"`
	DenseActivation string        `json:"dense_activation"`
	Kernel          string        `json:"kernel"`
	Threads         int           `json:"threads"`
	Rounds          int           `json:"rounds"`
	Context         int           `json:"context"`
	Limits          kernel.Limits `json:"limits"`
	Results         []Result      `json:"results"`
}

// Result is one kind of step; every number is the median of the rounds.
type Result struct {
	Kind       string  `json:"kind"` // prefill or decode
	Rows       int     `json:"rows"`
	TokensPerS float64 `json:"tokens_per_s"`
	GBPerS     float64 `json:"gb_per_s"`  // weights read
	GopPerS    float64 `json:"gop_per_s"` // multiplications and additions with weights
	// Limit is what bounds the step: "stream", the time that memory takes to
	// deliver the weights, or "peak", the time that the processor takes to
	// compute, whichever is longer; "" if the kernels cannot measure them.
	// Percent is the share of LimitTokensPerS that was reached.
	Limit           string  `json:"limit"`
	LimitTokensPerS float64 `json:"limit_tokens_per_s"`
	Percent         float64 `json:"percent_of_limit"`
}

// bench is an open model.
type bench struct {
	o        Options
	cfg      model.Config
	numerics model.Numerics
	runner   *pipeline.Runner
	count    *counter
	mem      *kernel.Memory
	// Bytes of one expert, and of attention and head.
	expertBytes, denseBytes int64
	denseFormat             tensor.DType
	rng                     *rand.Rand
	close                   []func() error
}

// counter counts what experts read and compute.
type counter struct {
	model.FFN
	experts, rows int
}

func (c *counter) Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error {
	c.experts += len(groups)
	for _, g := range groups {
		c.rows += len(g.Index)
	}
	return c.FFN.Run(ctx, layer, groups, x, y)
}

// kind is one row of the report while it is measured.
type kind struct {
	Result
	seconds []float64
	work    []work
}

// Measure runs every kind of step, round after round.
func Measure(ctx context.Context, o Options) (Report, error) {
	b, err := open(ctx, o)
	if err != nil {
		return Report{}, err
	}
	defer b.Close()
	var kinds []*kind
	for _, n := range o.Prefill {
		kinds = append(kinds, &kind{Result: Result{Kind: "prefill", Rows: n}})
	}
	for _, n := range o.Decode {
		kinds = append(kinds, &kind{Result: Result{Kind: "decode", Rows: n}})
	}
	k, threads := o.Pool.Kernels(), o.Pool.Threads()
	var machine limits
	for round := range o.Rounds + 1 { // the first warms up
		for _, row := range kinds {
			if round > 0 {
				machine.sample(o, b.mem)
			}
			if err := b.step(ctx, row); err != nil {
				return Report{}, err
			}
			if round == 0 {
				row.seconds, row.work = nil, nil
			}
		}
	}
	r := Report{Model: o.Dir, DType: b.cfg.DType.String(), KV: b.numerics.KV.String(), FFNActivation: b.numerics.FFNActivation.String(), DenseActivation: b.numerics.DenseActivation.String(), Kernel: k.Name(), Threads: threads, Rounds: o.Rounds, Context: o.Context,
		Limits: machine.median()}
	for _, row := range kinds {
		r.Results = append(r.Results, row.result(r.Limits))
	}
	return r, nil
}

func (k *kind) result(l kernel.Limits) Result {
	r, seconds := k.Result, measure.Median(k.seconds)
	var bytes, ops, bounds []float64
	for _, w := range k.work {
		bound, by := w.bound(l)
		bytes, ops, bounds, r.Limit = append(bytes, w.bytes), append(ops, w.ops()), append(bounds, bound), by
	}
	r.TokensPerS, r.GBPerS, r.GopPerS = float64(r.Rows)/seconds, measure.Median(bytes)/seconds/1e9, measure.Median(ops)/seconds/1e9
	if bound := measure.Median(bounds); bound > 0 {
		r.LimitTokensPerS, r.Percent = float64(r.Rows)/bound, 100*bound/seconds
	}
	return r
}

// step measures one step of a kind.
func (b *bench) step(ctx context.Context, k *kind) error {
	batch := b.batch(k.Result)
	logits := tensor.NewMatrix(len(batch.Outputs), b.cfg.Vocab)
	b.count.experts, b.count.rows = 0, 0
	begin := time.Now()
	if err := b.runner.Forward(ctx, batch, logits); err != nil {
		return fmt.Errorf("%s of %d: %w", k.Kind, k.Rows, err)
	}
	k.seconds = append(k.seconds, time.Since(begin).Seconds())
	k.work = append(k.work, b.work(k.Rows, len(batch.Outputs)))
	return nil
}

// batch is one sequence of Rows positions, or Rows sequences of one position
// behind their context, whose keys and values may be anything.
func (b *bench) batch(r Result) *model.Batch {
	out := &model.Batch{}
	next := int32(0)
	blocks := func(positions int) []int32 {
		list := make([]int32, (positions+model.BlockSize-1)/model.BlockSize)
		for i := range list {
			list[i] = next
			next++
		}
		return list
	}
	if r.Kind == "prefill" {
		out.Spans = []model.Span{{N: r.Rows, Blocks: blocks(r.Rows)}}
		out.Outputs = []int32{int32(r.Rows - 1)}
	}
	for i := range r.Rows {
		out.Tokens = append(out.Tokens, b.rng.Int32N(int32(b.cfg.Vocab)))
		if r.Kind == "decode" {
			out.Spans = append(out.Spans, model.Span{Start: b.o.Context, N: 1, Blocks: blocks(b.o.Context + 1)})
			out.Outputs = append(out.Outputs, int32(i))
		}
	}
	return out
}

// open makes the whole model resident.
func open(ctx context.Context, o Options) (_ *bench, err error) {
	ckpt, err := o.Open.open(ctx, o.Dir)
	if err != nil {
		return nil, err
	}
	b := &bench{o: o, cfg: ckpt.Config(), rng: rand.New(rand.NewPCG(o.Seed, 0)), close: []func() error{ckpt.Close}}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	numerics, err := model.DefaultNumerics(b.cfg.DType).With(o.Numerics)
	if err != nil {
		return nil, err
	}
	b.numerics = numerics
	ffn := cpu.NewExperts(b.cfg, numerics, o.Pool)
	if err := b.loadExperts(ctx, ckpt, ffn); err != nil {
		return nil, err
	}
	dense, err := ckpt.LoadDense(ctx)
	if err != nil {
		return nil, err
	}
	b.close = append(b.close, dense.Close)
	if b.mem, err = kernel.NewMemory(o.Memory); err != nil {
		return nil, err
	}
	b.close = append(b.close, b.mem.Close)
	b.expertBytes, b.denseBytes, b.denseFormat = ckpt.ExpertBytes(), ckpt.DenseBytes(), dense.Weights.Head.DType
	if !b.cfg.TieEmbeddings { // one row of the embedding is read, all of the head
		b.denseBytes -= int64(len(dense.Weights.Embed.Data))
	}
	b.count = &counter{FFN: ffn}
	d, err := cpu.NewDense(b.cfg, dense.Weights, cpu.DenseOptions{Numerics: numerics, Blocks: b.blocks()}, o.Pool)
	if err != nil {
		return nil, err
	}
	b.close = append(b.close, d.Close)
	b.runner = pipeline.New(b.cfg, d, &backend.Local{FFN: b.count, Wire: numerics.Wire}, pipeline.MicroBatcher{})
	return b, nil
}

func (b *bench) loadExperts(ctx context.Context, ckpt *checkpoint.Checkpoint, ffn *cpu.Experts) error {
	topology := b.cfg.Topology()
	for i := range topology.Experts() {
		id := topology.ID(i)
		m, err := ckpt.LoadExpert(ctx, id)
		if err != nil {
			return err
		}
		b.close = append(b.close, m.Close)
		if err := ffn.Load(ctx, id, m.Weights); err != nil {
			return err
		}
	}
	return nil
}

// blocks is what the largest step needs.
func (b *bench) blocks() int {
	blocks := 1
	for _, n := range b.o.Prefill {
		blocks = max(blocks, n/model.BlockSize+1)
	}
	for _, n := range b.o.Decode {
		blocks = max(blocks, n*(b.o.Context/model.BlockSize+1))
	}
	return blocks
}

// Close unmaps the model.
func (b *bench) Close() error {
	for i := len(b.close) - 1; i >= 0; i-- {
		if err := b.close[i](); err != nil {
			return err
		}
	}
	return nil
}
