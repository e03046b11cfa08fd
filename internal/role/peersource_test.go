package role

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/cluster/memory"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/logtest"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// wrote is a checkpoint with random weights of a seed, and a manifest if wanted.
func wrote(t *testing.T, seed int64, manifest bool) (dir string) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir = filepath.Join(t.TempDir(), "tiny")
	if err := preset.Write(dir, "tiny", seed, nil); err != nil {
		t.Fatal(err)
	}
	if !manifest {
		return dir
	}
	ckpt, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	if _, err := ckpt.Verify(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// neighbor is a node that gives the model of a directory. It is registered with a
// fingerprint, its own when empty.
func neighbor(t *testing.T, r *registry.Registry, id, dir string, fingerprint moe.Fingerprint) moe.Fingerprint {
	t.Helper()
	c := DefaultExpertNode()
	c.Dir, c.Backends, c.Threads = dir, []backend.Backend{cpu.Backend()}, 1
	c.silence()
	w, err := openModel(t.Context(), c.ModelConfig, deviceInfo(t, c), c.Logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.ckpt.Close() })
	service, err := c.weightsService(w, newExpertLoader(w, nil, 1), func() bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", loopbackAny)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	hachiv1.RegisterWeightsServiceServer(server, service)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() { server.Stop(); serving.Wait() })
	if fingerprint == "" {
		fingerprint = w.fingerprint
	}
	r.RegisterNode(t.Context(), &hachiv1.NodeRecord{NodeId: id, Addr: l.Addr().String(), Fingerprint: string(fingerprint), StartedUnixNano: 1, GivesAllWeights: true})
	return w.fingerprint
}

const loopbackAny = "127.0.0.1:0"

// deviceInfo describes the device of a node.
func deviceInfo(t *testing.T, c ExpertNodeConfig) backend.Info {
	t.Helper()
	device, err := c.openDevice(0, c.Logger)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	return device.Info()
}

// newcomer opens the weights of a node that asks the nodes of a registry.
func newcomer(t *testing.T, ctx context.Context, r *registry.Registry, log *logtest.Log, change func(*ExpertNodeConfig)) (weights, error) {
	t.Helper()
	c := DefaultExpertNode()
	c.ID, c.Dir, c.Backends, c.Threads, c.Logger = "new", "peer://", []backend.Backend{cpu.Backend()}, 1, log.Logger()
	c.Source.WeightsCache = t.TempDir()
	change(&c)
	if err := c.Validate(); err != nil {
		return weights{}, err
	}
	p := &weightsOpener{cfg: c, by: &security{}, device: deviceInfo(t, c), conn: &clusterConn{registry: r}}
	return p.open(ctx)
}

func openRegistry(t *testing.T) *registry.Registry {
	t.Helper()
	r := registry.New(memory.New(), registry.Prefix("c"), registry.Options{TTL: time.Minute})
	t.Cleanup(r.Close)
	return r
}

// listed waits until records are in the registry.
func listed(t *testing.T, r *registry.Registry, n int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for nodes := range r.WatchNodes(ctx) {
		if len(nodes.Records) == n {
			return
		}
	}
	t.Fatal("the records are not listed")
}

func keep(*ExpertNodeConfig) {}

// TestANodeThatDescribesAnotherModelIsNotBelieved: the description of the first node makes
// another fingerprint than the one that it claims, and the second is asked.
func TestANodeThatDescribesAnotherModelIsNotBelieved(t *testing.T) {
	r, right := openRegistry(t), wrote(t, 1, true)
	want := neighbor(t, r, "b-honest", right, "")
	neighbor(t, r, "a-liar", wrote(t, 2, true), want)
	listed(t, r, 2)
	var log logtest.Log
	_, err := newcomer(t, t.Context(), r, &log, keep)
	if err == nil || !strings.Contains(err.Error(), "a-liar") || !strings.Contains(err.Error(), "manifest") {
		t.Errorf("%v of two nodes whose manifests differ", err)
	}
	r, log = openRegistry(t), logtest.Log{}
	neighbor(t, r, "b-honest", right, "")
	neighbor(t, r, "a-liar", wrote(t, 2, false), want)
	listed(t, r, 2)
	w, err := newcomer(t, t.Context(), r, &log, keep)
	if err != nil || w.fingerprint != want {
		t.Fatalf("fingerprint %s, expected %s: %v", w.fingerprint, want, err)
	}
	defer w.ckpt.Close()
	m, err := w.ckpt.LoadExpert(t.Context(), moe.ExpertID{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
}

func TestANodeThatAsksOthersSaysWhatIsWrong(t *testing.T) {
	bare := wrote(t, 1, false)
	r := openRegistry(t)
	neighbor(t, r, "a", bare, "")
	listed(t, r, 1)
	for name, tt := range map[string]struct {
		change func(*ExpertNodeConfig)
		want   string
	}{
		"no manifest":     {keep, "hachi model inspect --verify"},
		"a directory":     {func(c *ExpertNodeConfig) { c.Dir = "peer://,dir" }, "give dir"},
		"peer twice":      {func(c *ExpertNodeConfig) { c.Dir = "peer://,peer://" }, "once"},
		"a host":          {func(c *ExpertNodeConfig) { c.Dir = "peer://host" }, "want peer://"},
		"in this process": {func(c *ExpertNodeConfig) { c.InProcess = &InProcess{} }, "only an expert node of a cluster"},
	} {
		var log logtest.Log
		_, err := newcomer(t, t.Context(), r, &log, tt.change)
		if !errors.As(err, new(*ConfigError)) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, expected a ConfigError with %q", name, err, tt.want)
		}
	}
	if err := testRouter("peer://").Validate(); err == nil || !strings.Contains(err.Error(), "peer://,PLACE") {
		t.Errorf("%v of a router without a home", err)
	}
	withManifest := openRegistry(t)
	neighbor(t, withManifest, "a", wrote(t, 1, true), "")
	listed(t, withManifest, 1)
	var log logtest.Log
	_, err := newcomer(t, t.Context(), withManifest, &log, func(c *ExpertNodeConfig) { c.Quantize = "int8" })
	if !errors.As(err, new(*ConfigError)) || !strings.Contains(err.Error(), "--quantize") {
		t.Errorf("%v of a node that quantizes, unlike the cluster", err)
	}
}

// TestANodeWaitsForOneThatHasTheModel, and says so once.
func TestANodeWaitsForOneThatHasTheModel(t *testing.T) {
	r, dir := openRegistry(t), wrote(t, 1, true)
	var log logtest.Log
	ended, end := context.WithCancel(t.Context())
	opened := make(chan error, 1)
	go func() {
		w, err := newcomer(t, ended, r, &log, keep)
		if err == nil {
			err = w.ckpt.Close()
		}
		opened <- err
	}()
	neighbor(t, r, "a", dir, "")
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	if n := log.Count("no node describes the model"); n > 1 {
		t.Errorf("%d lines say that it waits", n)
	}
	end()
	if _, err := newcomer(t, ended, openRegistry(t), &log, keep); !errors.Is(err, context.Canceled) {
		t.Errorf("%v of a node that is stopped while it waits", err)
	}
}

// TestQuantizedExpertsAreNotGivenFromMemory: what a node gives are bytes of the checkpoint.
func TestQuantizedExpertsAreNotGivenFromMemory(t *testing.T) {
	r, dir := openRegistry(t), wrote(t, 1, true)
	neighbor(t, r, "a", dir, "")
	listed(t, r, 1)
	var log logtest.Log
	w, err := newcomer(t, t.Context(), r, &log, keep)
	if err != nil {
		t.Fatal(err)
	}
	defer w.ckpt.Close()
	pool := cpu.NewPool(cpu.PoolOptions{Threads: 1})
	defer pool.Close()
	experts := cpu.NewExperts(w.cfg, w.numerics, pool)
	for _, to := range []string{"", "int8"} {
		if to != "" {
			if w.quantize, err = tensor.Target(to); err != nil {
				t.Fatal(err)
			}
		}
		l := newExpertLoader(w, experts, 1)
		if err := l.Load(t.Context(), moe.ExpertID{}); err != nil {
			t.Fatal(err)
		}
		const name = "model.layers.0.block_sparse_moe.experts.0.w1.weight"
		got := make([]byte, 16)
		if has := l.copy(moe.ExpertID{}, name, got, 32); has != (to == "") {
			t.Errorf("quantized to %q: from memory %t", to, has)
		}
		if err := w.ckpt.ReadHere(t.Context(), checkpoint.Piece{Tensor: name, At: 32}, got); err != nil {
			t.Errorf("not from the cache: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
