package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"testing"
	"time"

	embed "github.com/hachi-serve/hachi"
	"github.com/hachi-serve/hachi/expertnode"
	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/internal/transport/inproc"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// shape is one way to place the experts of the tiny model.
type shape struct {
	nodes, replicas int
	policy          planner.Policy
}

func (s shape) String() string {
	return fmt.Sprintf("%d nodes, %d replicas, %s", s.nodes, s.replicas, s.policy)
}

// shapes are all that the promise names: 1, 2, 3, 5 and 8 nodes, both policies,
// 1 and 2 replicas where there are nodes for them.
func shapes() []shape {
	var all []shape
	for _, nodes := range []int{1, 2, 3, 5, 8} {
		for _, policy := range []planner.Policy{planner.Column, planner.Balanced} {
			for replicas := 1; replicas <= min(2, nodes); replicas++ {
				all = append(all, shape{nodes, replicas, policy})
			}
		}
	}
	return all
}

// processShapes have each number of nodes, each policy and each number of
// replicas. The other shapes differ in what the two tests in one process cover:
// a process per node adds gRPC, which knows nothing of shapes.
func processShapes() []shape {
	return []shape{{1, 1, planner.Column}, {2, 2, planner.Column}, {3, 1, planner.Balanced}, {5, 2, planner.Balanced}, {8, 1, planner.Column}}
}

// attention is the router's half of the tiny model, without a cluster.
type attention struct {
	ckpt        *checkpoint.Checkpoint
	cfg         model.Config
	numerics    model.Numerics
	fingerprint moe.Fingerprint
	weights     model.DenseWeights
	pool        *cpu.Pool
}

func openAttention(t *testing.T) *attention {
	t.Helper()
	ckpt, err := checkpoint.Open(hachi.Model)
	if err != nil {
		t.Fatal(err)
	}
	dense, err := ckpt.MapDense()
	if err != nil {
		t.Fatal(err)
	}
	a := &attention{ckpt: ckpt, cfg: ckpt.Config(), weights: dense.Weights, pool: cpu.NewPool(cpu.PoolOptions{Threads: 2})}
	a.numerics = model.DefaultNumerics(a.cfg.DType)
	a.fingerprint = model.Fingerprint(ckpt.Digest(), a.cfg.DType, a.numerics, cpu.Family)
	t.Cleanup(func() {
		a.pool.Close()
		dense.Close()
		ckpt.Close()
	})
	return a
}

// logits runs three sequences over the experts, prefill chunks beside decode
// rows and across the edges of KV blocks, and returns the logits of every row.
func (a *attention) logits(t *testing.T, experts model.Experts, overlap pipeline.MicroBatcher) []float32 {
	t.Helper()
	const blocks = 12
	dense, err := cpu.NewDense(a.cfg, a.weights, cpu.DenseOptions{Numerics: a.numerics, Blocks: blocks}, a.pool)
	if err != nil {
		t.Fatal(err)
	}
	defer dense.Close()
	runner := pipeline.New(a.cfg, dense, experts, overlap)
	tables := [][]int32{{0, 3, 6, 9}, {1, 4, 7, 10}, {2, 5, 8, 11}}
	at := make([]int, len(tables))
	var all []float32
	for _, chunks := range [][]int{{15, 1, 0}, {1, 17, 3}, {20, 1, 30}, {1, 1, 1}, {1, 14, 16}} {
		b := &model.Batch{}
		for i, n := range chunks {
			if n == 0 {
				continue
			}
			for p := range n {
				b.Tokens = append(b.Tokens, int32((at[i]+p+1)*(7919*i+104729)%a.cfg.Vocab))
			}
			b.Spans = append(b.Spans, model.Span{Start: at[i], N: n, Blocks: tables[i]})
			at[i] += n
		}
		for row := range b.Tokens {
			b.Outputs = append(b.Outputs, int32(row))
		}
		out := tensor.NewMatrix(len(b.Tokens), a.cfg.Vocab)
		if err := runner.Forward(t.Context(), b, out); err != nil {
			t.Fatal(err)
		}
		all = append(all, out.Data...)
	}
	return all
}

// dispatcher is a router's dispatcher over a transport.
func (a *attention) dispatcher(t *testing.T, caller moe.Transport, p *moe.Placement) *dispatch.Dispatcher {
	t.Helper()
	d := dispatch.New(dispatch.Config{
		Transport: caller, Fingerprint: a.fingerprint, Wire: a.numerics.Wire,
		Hidden: a.cfg.Hidden, Topology: a.cfg.Topology(),
	})
	if !d.Adopt(p) {
		t.Fatalf("the placement of epoch %d was not adopted", p.Epoch())
	}
	return d
}

// allExperts loads every expert into one FFN: the answer without a cluster.
func (a *attention) allExperts(t *testing.T) *cpu.Experts {
	t.Helper()
	ffn := cpu.NewExperts(a.cfg, a.numerics, a.pool)
	for layer := range a.cfg.Topology().Layers() {
		for expert := range a.cfg.Topology().In(layer) {
			id := moe.ExpertID{Layer: layer, Expert: expert}
			m, err := a.ckpt.MapExpert(id)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { m.Close() })
			if err := ffn.Load(t.Context(), id, m.Weights); err != nil {
				t.Fatal(err)
			}
		}
	}
	return ffn
}

func compareLogits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d logits, want %d", what, len(got), len(want))
	}
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: logit %d is %v, want %v, bit for bit", what, i, got[i], want[i])
		}
	}
}

func TestPlacementNeverChangesTheAnswerInProcess(t *testing.T) {
	t.Parallel()
	a := openAttention(t)
	ffn := a.allExperts(t)
	want := a.logits(t, &backend.Local{FFN: ffn, Wire: a.numerics.Wire}, pipeline.MicroBatcher{})
	for _, s := range shapes() {
		t.Run(s.String(), func(t *testing.T) {
			network, placement := inProcess(t, a, ffn, s)
			d := a.dispatcher(t, network, placement)
			for parts := 1; parts <= pipeline.MaxMicroBatches; parts++ {
				compareLogits(t, fmt.Sprintf("%v in %d parts", s, parts), a.logits(t, d, pipeline.MicroBatcher{Fixed: parts}), want)
			}
		})
	}
}

// TestPlacementNeverChangesTheAnswer is a second router beside the cluster's
// own: it asks the same expert-node processes over gRPC for the logits of every
// row. The cluster's own router must give the text and log probabilities of a
// cluster inside this process; TestShapesGiveTheSameAnswer compares the clusters
// of every shape inside one process.
func TestPlacementNeverChangesTheAnswer(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	const tokens = 12
	a := openAttention(t)
	want := a.logits(t, &backend.Local{FFN: a.allExperts(t), Wire: a.numerics.Wire}, pipeline.MicroBatcher{})
	wantAnswers := harness.MustCompleteAll(t, embedded(t).URL(), tokens)
	for _, s := range processShapes() {
		t.Run(s.String(), func(t *testing.T) {
			cluster := hachi.Cluster(t, func(c *local.UpConfig) {
				c.Nodes, c.Placement = s.nodes, role.PlacementConfig{Policy: string(s.policy), Replicas: s.replicas}
			})
			placement := wholePlacement(t, cluster, s)
			calls := secondRouter(t, cluster, a.fingerprint)
			compareLogits(t, s.String(), a.logits(t, a.dispatcher(t, calls, placement), pipeline.MicroBatcher{Fixed: 2}), want)
			answers := harness.MustCompleteAll(t, cluster.URL(), tokens)
			harness.Compare(t, s.String(), answers, wantAnswers)
		})
	}
}

// secondRouter calls the nodes of a cluster as a router of it.
func secondRouter(t *testing.T, cluster *harness.Cluster, fingerprint moe.Fingerprint) *rpc.Pool {
	t.Helper()
	const name = "second"
	dir, err := cluster.Cluster.Certificates(identity.Router, name)
	if err != nil {
		t.Fatal(err)
	}
	by, err := identity.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	calls := rpc.NewPool(rpc.PoolConfig{
		Router: name, Fingerprint: fingerprint, MaxPayload: 1 << 20,
		TLS: func(node moe.NodeID) *tls.Config { return by.ClientTLS(identity.Expert, string(node)) },
	})
	t.Cleanup(calls.Close)
	return calls
}

// embedded is a cluster of one node inside this process.
func embedded(t *testing.T) *embed.Cluster {
	t.Helper()
	cfg := embed.DefaultConfig()
	cfg.Model, cfg.Nodes, cfg.KVCacheBytes = hachi.Model, 1, 64<<20
	cluster, err := embed.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// wholePlacement waits until every expert has all its replicas: a cluster
// serves as soon as each has one.
func wholePlacement(t *testing.T, cluster *harness.Cluster, s shape) *moe.Placement {
	t.Helper()
	var p *moe.Placement
	fault := errors.New("no view of the cluster")
	defer func() {
		if fault != nil {
			t.Error(fault)
		}
	}()
	eventually.True(t, "every expert has its replicas", func() bool {
		p = cluster.View(t).Placement
		fault = s.fits(p)
		return fault == nil
	})
	return p
}

// fits says how a placement differs from a shape: every expert has its
// replicas, on different nodes, and a column plan over eight nodes puts expert e
// of every layer on node e.
func (s shape) fits(p *moe.Placement) error {
	for layer := range p.Topology().Layers() {
		for expert := range p.Topology().In(layer) {
			id := moe.ExpertID{Layer: layer, Expert: expert}
			holders := map[moe.NodeID]bool{}
			for _, r := range p.Replicas(id) {
				holders[r.Node] = true
			}
			if len(holders) != s.replicas {
				return fmt.Errorf("%v is on %v, want %d nodes", id, holders, s.replicas)
			}
			if home := moe.NodeID(fmt.Sprintf("expert-%d", expert)); s.nodes == 8 && s.policy == planner.Column && !holders[home] {
				return fmt.Errorf("%v is on %v, want %s", id, holders, home)
			}
		}
	}
	return nil
}

// inProcess runs the real expert nodes, without etcd and gRPC: they follow a
// target and answer over function calls.
func inProcess(t *testing.T, a *attention, ffn model.FFN, s shape) (*inproc.Network, *moe.Placement) {
	t.Helper()
	in := planner.Input{Policy: s.policy, Topology: a.cfg.Topology(), Replicas: s.replicas}
	for i := range s.nodes {
		in.Nodes = append(in.Nodes, planner.Node{ID: moe.NodeID(fmt.Sprintf("expert-%d", i)), Capacity: -1})
	}
	target := moe.Target{Epoch: 1, Shards: planner.Compute(in).Shards}
	network := inproc.NewNetwork()
	for id := range target.Shards {
		startInProcess(t, a, ffn, network, id, target)
	}
	table := make([][]moe.Replica, a.cfg.Topology().Experts())
	for id, shard := range target.Shards {
		for _, e := range shard {
			i := a.cfg.Topology().Index(e)
			table[i] = append(table[i], moe.Replica{Node: id})
		}
	}
	p, err := moe.NewPlacement(1, a.fingerprint, a.cfg.Topology(), table)
	if err != nil {
		t.Fatal(err)
	}
	return network, p
}

// startInProcess runs one node and returns when its shard is resident.
func startInProcess(t *testing.T, a *attention, ffn model.FFN, network *inproc.Network, id moe.NodeID, target moe.Target) {
	t.Helper()
	node := expertnode.New(expertnode.Config{
		ID: id, Fingerprint: a.fingerprint, Model: a.cfg, Wire: a.numerics.Wire, FFN: ffn, Loader: nothingToLoad{},
		QueueRows: 1024, BatchRows: 512, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(t.Context())
	session := &countingSession{full: make(chan struct{}), want: len(target.Shards[id])}
	targets := make(chan moe.Target, 1)
	targets <- target
	var running sync.WaitGroup
	running.Go(func() { _ = node.Run(ctx, expertnode.Joined(session, expertnode.Watches{Target: targets})) })
	t.Cleanup(func() { cancel(); running.Wait() })
	if session.want > 0 {
		select {
		case <-session.full:
		case <-time.After(time.Minute):
			t.Fatalf("%s did not load its shard", id)
		}
	}
	network.Connect(id, node)
}

// nothingToLoad is a Loader for an FFN that holds everything already.
type nothingToLoad struct{}

func (nothingToLoad) Load(context.Context, moe.ExpertID) error { return nil }
func (nothingToLoad) Unload(moe.ExpertID) error                { return nil }
func (nothingToLoad) Prefetch([]moe.ExpertID)                  {}

// countingSession closes full when a node reports as many experts as it should
// hold.
type countingSession struct {
	mu     sync.Mutex // guards the fields below
	record hachiv1.NodeRecord
	full   chan struct{}
	want   int
	closed bool
}

func (s *countingSession) Update(f func(*hachiv1.NodeRecord)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.record)
	have := 0
	for _, r := range s.record.GetResident().GetRanges() {
		have += int(r.GetCount())
	}
	if have == s.want && !s.closed {
		s.closed = true
		close(s.full)
	}
}

func (s *countingSession) Hold(bool)                   {}
func (s *countingSession) Lost() bool                  { return false }
func (s *countingSession) Close(context.Context) error { return nil }
