package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/expertnode"
	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/internal/transport/faulty"
	"github.com/hachi-serve/hachi/internal/transport/inproc"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// small is a whole model: everything that rounds in a large one rounds here.
var small = model.Config{
	Layers: 3, Hidden: 64, FFN: 96, Heads: 4, KVHeads: 2, HeadDim: 16, Vocab: 512, Experts: 8, TopK: 2,
	RopeTheta: 1e4, NormEps: 1e-5, MaxContext: 1024, DType: tensor.BF16, BOS: 1, EOS: []int{2},
}

// weights is a checkpoint of random weights.
type weights struct {
	ckpt     *checkpoint.Checkpoint
	dense    *checkpoint.DenseMap
	numerics model.Numerics
	// device opens the accelerator of one process; nil computes on the processor.
	device func(testing.TB) backend.Device
}

func newWeights(t testing.TB, cfg model.Config, seed int64) *weights {
	t.Helper()
	dir := t.TempDir()
	if err := preset.WriteModel(t.Context(), dir, preset.Options{Config: cfg, Seed: seed}); err != nil {
		t.Fatal(err)
	}
	return openWeights(t, dir)
}

func openWeights(t testing.TB, dir string) *weights {
	t.Helper()
	ckpt, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	dense, err := ckpt.MapDense()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dense.Close() })
	return &weights{ckpt: ckpt, dense: dense, numerics: model.DefaultNumerics(ckpt.Config().DType)}
}

// loader loads experts of the checkpoint: expertnode.Loader.
type loader struct {
	w   *weights
	ffn backend.Experts
	t   testing.TB
}

func (l loader) Load(ctx context.Context, id moe.ExpertID) error {
	m, err := l.w.ckpt.MapExpert(id)
	if err != nil {
		return err
	}
	l.t.Cleanup(func() { m.Close() })
	return l.ffn.Load(ctx, id, m.Weights)
}

func (l loader) Unload(id moe.ExpertID) error {
	return l.ffn.Unload(id)
}

func (loader) Prefetch([]moe.ExpertID) {}

// startNodes starts expert nodes that hold every expert on two of them, if there
// are two, and returns the network that reaches them and their placement.
func (w *weights) startNodes(t testing.TB, nodes int) (*inproc.Network, *moe.Placement) {
	t.Helper()
	cfg := w.ckpt.Config()
	network, table := inproc.NewNetwork(), make([][]moe.Replica, cfg.Topology().Experts())
	for n := range nodes {
		self := moe.Replica{Node: moe.NodeID(fmt.Sprint("node-", n))}
		var shard moe.Shard
		for _, id := range cfg.Topology().All() {
			if id.Expert%nodes == n || (id.Expert+1)%nodes == n {
				shard = append(shard, id)
				i := cfg.Topology().Index(id)
				table[i] = append(table[i], self)
			}
		}
		network.Connect(self.Node, w.startNode(t, self.Node, shard))
	}
	p, err := moe.NewPlacement(1, "f", cfg.Topology(), table)
	if err != nil {
		t.Fatal(err)
	}
	return network, p
}

// experts builds the far side of the seam: in this process for no nodes, else
// expert nodes behind a dispatcher, every expert on two of them if there are
// two. Some calls fail when script says so.
func (w *weights) experts(t testing.TB, pool *cpu.Pool, nodes int, script faulty.Script) (model.Experts, func() <-chan struct{}) {
	t.Helper()
	cfg := w.ckpt.Config()
	if nodes == 0 {
		l := loader{w, w.ffn(t, pool), t}
		for _, id := range cfg.Topology().All() {
			if err := l.Load(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		return &backend.Local{FFN: l.ffn, Wire: w.numerics.Wire}, nil
	}
	network, p := w.startNodes(t, nodes)
	d := dispatch.New(dispatch.Config{
		Transport: faulty.Wrap(network, script), Fingerprint: "f", Wire: w.numerics.Wire,
		Hidden: cfg.Hidden, Topology: cfg.Topology(),
	})
	d.Adopt(p)
	return d, d.Changed
}

// ffn computes experts, on the device if there is one.
func (w *weights) ffn(t testing.TB, pool *cpu.Pool) backend.Experts {
	t.Helper()
	if w.device == nil {
		return cpu.NewExperts(w.ckpt.Config(), w.numerics, pool)
	}
	e, err := w.device(t).OpenExperts(w.ckpt.Config(), w.numerics)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// attention computes the dense half with a KV cache of some blocks, on the device if
// there is one.
func (w *weights) attention(t testing.TB, pool *cpu.Pool, blocks int) backend.Dense {
	t.Helper()
	if w.device == nil {
		d, err := cpu.NewDense(w.ckpt.Config(), w.dense.Weights, cpu.DenseOptions{Numerics: w.numerics, Blocks: blocks}, pool)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d, err := w.device(t).OpenDense(w.ckpt.Config(), w.numerics, w.dense.Weights)
	if err == nil {
		err = d.ReserveKV(blocks)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// registration is a node's session without a registry; it closes ready when all
// experts are loaded.
type registration struct {
	mu    sync.Mutex // guards want and r
	want  int
	ready chan struct{}
	r     hachiv1.NodeRecord
}

func (s *registration) Update(change func(*hachiv1.NodeRecord)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.r)
	resident := 0
	for _, r := range s.r.GetResident().GetRanges() {
		resident += int(r.GetCount())
	}
	if resident == s.want && s.want > 0 {
		s.want = 0
		close(s.ready)
	}
}
func (s *registration) Hold(bool)                   {}
func (s *registration) Lost() bool                  { return false }
func (s *registration) Close(context.Context) error { return nil }

// startNode runs an expert node until the test ends.
func (w *weights) startNode(t testing.TB, id moe.NodeID, shard moe.Shard) *expertnode.Node {
	t.Helper()
	cfg := w.ckpt.Config()
	pool := cpu.NewPool(cpu.PoolOptions{Threads: 1})
	ffn := w.ffn(t, pool)
	node := expertnode.New(expertnode.Config{
		ID: id, Fingerprint: "f", Model: cfg, Wire: w.numerics.Wire, FFN: ffn, Loader: loader{w, ffn, t},
		QueueRows: 4096, BatchRows: 512, ExpertBytes: w.ckpt.ExpertBytes(), Logger: slog.New(slog.DiscardHandler),
	})
	targets := make(chan moe.Target, 1)
	targets <- moe.Target{Epoch: 1, Shards: map[moe.NodeID]moe.Shard{id: moe.NewShard(shard)}}
	s := &registration{want: len(shard), ready: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := node.Run(context.WithoutCancel(t.Context()), expertnode.Joined(s, expertnode.Watches{Target: targets})); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		close(targets)
		<-done
		pool.Close()
	})
	select {
	case <-s.ready:
	case <-time.After(time.Minute):
		t.Fatalf("%s does not load", id)
	}
	return node
}

// start runs an engine over the model, in a number of micro-batches (parts), until
// the returned function stops it and checks that it holds nothing.
func (w *weights) start(t testing.TB, cfg engine.Config, nodes int, script faulty.Script, parts int) (*engine.Engine, func()) {
	t.Helper()
	pool := cpu.NewPool(cpu.PoolOptions{})
	experts, changed := w.experts(t, pool, nodes, script)
	d := w.attention(t, pool, cfg.Blocks)
	cfg.Model, cfg.Forward = w.ckpt.Config(), pipeline.New(w.ckpt.Config(), d, experts, pipeline.MicroBatcher{Fixed: parts})
	cfg.Changed, cfg.Logger = changed, slog.New(slog.DiscardHandler)
	e := engine.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = e.Run(ctx)
	}()
	return e, func() {
		cancel()
		<-done
		d.Close()
		pool.Close()
		if s := e.Stats(); s.BlocksUsed != 0 || s.Running != 0 || s.Waiting != 0 {
			t.Errorf("left behind: %+v", s)
		}
	}
}
