package peer

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/internal/weights/source"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// shape is a model of experts of 344 kB, in tensors larger than a sample.
var shape = model.Config{
	Layers: 2, Hidden: 64, FFN: 448, Heads: 4, KVHeads: 2, HeadDim: 16, Vocab: 64, Experts: 4, TopK: 2,
	RopeTheta: 1e4, NormEps: 1e-5, MaxContext: 128, DType: tensor.F32, BOS: 1, EOS: []int{2},
}

// modelDir writes the model, with a manifest if wanted.
func modelDir(t testing.TB, seed int64, manifest bool) string {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "model")
	if err := preset.WriteModel(t.Context(), dir, preset.Options{Config: shape, Seed: seed}); err != nil {
		t.Fatal(err)
	}
	if manifest {
		c := openDir(t, dir)
		if _, err := c.Verify(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func openDir(t testing.TB, dir string) *checkpoint.Checkpoint {
	t.Helper()
	c, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// expertsOf are the bytes of every expert, in order.
func expertsOf(ctx context.Context, c *checkpoint.Checkpoint) (all [][]byte, err error) {
	for _, id := range c.Config().Topology().All() {
		m, err := c.LoadExpert(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, w := range []tensor.Weight{m.Weights.W1, m.Weights.W2, m.Weights.W3} {
			all = append(all, bytes.Clone(w.Data))
		}
		if err := m.Close(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func same(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// giver is a node that gives a directory. after, which may be nil, changes what is sent.
type giver struct {
	*checkpoint.Shelf
	Node
	t      testing.TB
	ckpt   *checkpoint.Checkpoint
	server *grpc.Server
	after  func(g *giver, ctx context.Context, name string, at int64, dst []byte) error

	mu    sync.Mutex // guards the field below
	asked []*hachiv1.ReadFileRequest
}

// give starts a node.
func give(t testing.TB, id moe.NodeID, dir string, after func(g *giver, ctx context.Context, name string, at int64, dst []byte) error) *giver {
	t.Helper()
	g := &giver{t: t, ckpt: openDir(t, dir), after: after}
	var err error
	if g.Shelf, err = g.ckpt.Shelf(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.Node = Node{ID: id, Addr: l.Addr().String(), Started: 1, All: true}
	g.server = grpc.NewServer()
	hachiv1.RegisterWeightsServiceServer(g.server, noting{NewServer(ServerConfig{Holder: g, Busy: func() bool { return false }}), g})
	var serving sync.WaitGroup
	serving.Go(func() { _ = g.server.Serve(l) })
	t.Cleanup(func() { g.server.Stop(); serving.Wait() })
	return g
}

// noting remembers what a node was asked for.
type noting struct {
	*Server
	g *giver
}

func (n noting) ReadFile(r *hachiv1.ReadFileRequest, s grpc.ServerStreamingServer[hachiv1.ReadFileResponse]) error {
	n.g.mu.Lock()
	n.g.asked = append(n.g.asked, r)
	n.g.mu.Unlock()
	return n.Server.ReadFile(r, s)
}

// took are the reads of experts since the last call.
func (g *giver) took() (reads []*hachiv1.ReadFileRequest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.asked {
		if _, ok := checkpoint.ExpertOf(r.GetName()); ok && r.GetSize() > samplePage {
			reads = append(reads, r)
		}
	}
	g.asked = nil
	return reads
}

// Read implements Holder.
func (g *giver) Read(ctx context.Context, name string, dst []byte, at int64) error {
	err := g.Shelf.Read(name, dst, at, func(p checkpoint.Piece, dst []byte) error { return g.ckpt.ReadHere(ctx, p, dst) })
	if err == nil && g.after != nil {
		err = g.after(g, ctx, name, at, dst)
	}
	return err
}

// isBulk reports whether a piece is inside a tensor of an expert, and no sample.
func isBulk(name string, at int64, dst []byte) bool {
	_, ok := checkpoint.ExpertOf(name)
	return ok && at >= samplePage && len(dst) > samplePage
}

// asking is the configuration of a node that asks givers.
func asking(log *slog.Logger, givers ...*giver) Config {
	return Config{Logger: log, Nodes: func(context.Context) (all []Node, err error) {
		for _, g := range givers {
			all = append(all, g.Node)
		}
		return all, nil
	}}
}

// join opens the model as the first giver describes it.
func join(t testing.TB, cache string, cfg Config, guide Node) (*checkpoint.Checkpoint, *source.Model) {
	t.Helper()
	return joinAs(t, cache, Through(cfg, guide))
}

func joinAs(t testing.TB, cache string, files *Files) (*checkpoint.Checkpoint, *source.Model) {
	t.Helper()
	kept, err := source.OpenCache(cache, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	m := source.NewModel(files, kept)
	c, err := checkpoint.OpenRemote(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	files.Opened()
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, m
}

// local are the experts of a directory, their size in bytes, and its digest.
func local(t testing.TB, dir string) (all [][]byte, size int64, digest string) {
	t.Helper()
	c := openDir(t, dir)
	all, err := expertsOf(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range all {
		size += int64(len(b))
	}
	return all, size, c.Digest()
}

func TestMain(m *testing.M) {
	if childOf := os.Getenv(childNodes); childOf != "" {
		os.Exit(child(childOf, os.Getenv(childCache)))
	}
	goleak.VerifyTestMain(m)
}
