package e2e

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/backend/cuda"
	"github.com/hachi-serve/hachi/internal/backend/cuda/fakecuda"
	"github.com/hachi-serve/hachi/internal/cluster/memory"
	driver "github.com/hachi-serve/hachi/internal/cuda"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/transport/inproc"
	"github.com/hachi-serve/hachi/internal/weights/mini"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// gpuFamily is that of experts on an H100.
const gpuFamily = "cuda-sm90-k16"

// gpuTokens are those of an answer: enough for a fault in its middle. The fake driver
// is slow.
const gpuTokens = 24

// onGPU is the model configuration of a node whose experts are on a GPU.
func onGPU(m *role.ModelConfig, backends []backend.Backend) {
	m.Backend, m.Backends, m.Numerics.FFNActivationDtype = "cuda", backends, "bf16"
}

// oneProcess answers from one process: attention on the processor, experts on the GPU
// of a fake driver, unless change says otherwise.
func oneProcess(t *testing.T, model, fake string, change func(n *role.ExpertNodeConfig, r *role.RouterConfig)) []harness.Answer {
	t.Helper()
	lib := fakecuda.Open(t, fake, "")
	backends := []backend.Backend{cpu.Backend(), cuda.Backend(cuda.Config{Open: func() (driver.Library, error) { return lib, nil }})}
	in := &role.InProcess{Store: memory.New(), Network: inproc.NewNetwork()}
	member := func(id string) role.ClusterConfig {
		return role.ClusterConfig{Cluster: "one", ID: id, TTL: harness.ShortTTL, Logger: slog.New(slog.DiscardHandler), InProcess: in}
	}
	c, n, r := role.DefaultCoordinator(), role.DefaultExpertNode(), role.DefaultRouter()
	c.ClusterConfig, c.Listen = member("coordinator-0"), "127.0.0.1:0"
	n.ClusterConfig, n.Dir = member("expert-0"), model
	onGPU(&n.ModelConfig, backends)
	r.ClusterConfig, r.Dir, r.Listen, r.GRPC = member("router-0"), model, freeport.Address(t), "127.0.0.1:0"
	r.Backend, r.Backends, r.ExpertFamily, r.Numerics, r.Serving.KVCacheMemory = "cpu", backends, gpuFamily, n.Numerics, 64<<20
	change(&n, &r)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	for name, run := range map[string]func() error{
		"coordinator": func() error { return role.RunCoordinator(ctx, c) },
		"node":        func() error { return role.RunExpertNode(ctx, n) },
		"router":      func() error { return role.RunRouter(ctx, r) },
	} {
		all.Go(func() {
			if err := run(); err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	eventually.True(t, "the process serves", func() bool { return harness.Serves("http://" + r.Listen) })
	return harness.MustCompleteAll(t, "http://"+r.Listen, gpuTokens)
}

// TestGPUNodesDieInTheMiddleOfAnswers: a router on a processor, and experts of three
// nodes with a GPU each, of a fake driver. One node is killed and another loses its
// device: it says so, leaves and ends, and the last one takes over. Every answer has
// the bits of one process.
func TestGPUNodesDieInTheMiddleOfAnswers(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	fake := fakecuda.Need(t)
	model := filepath.Join(t.TempDir(), "tiny") // the name that requests carry
	if err := mini.Write(model); err != nil {
		t.Fatal(err)
	}
	want := oneProcess(t, model, fake, func(*role.ExpertNodeConfig, *role.RouterConfig) {})
	faults, data := t.TempDir(), ""
	cluster := hachi.Cluster(t, func(c *local.UpConfig) {
		c.Binary, c.Placement.Replicas, data = harness.Tagged(t, "cuda"), 2, c.DataDir
		c.Model.Dir = model
		onGPU(&c.Model, []backend.Backend{cuda.Backend(cuda.Config{})})
		c.BinaryEnv = append(c.BinaryEnv, "LD_LIBRARY_PATH="+fake)
		c.Exec = func(name string, argv []string) []string {
			if strings.HasPrefix(name, "router") {
				return append(argv, "--backend", "cpu", "--expert-family", gpuFamily)
			}
			return append([]string{"env", "HACHI_FAKE_CUDA=fault-file=" + filepath.Join(faults, name)}, argv...)
		}
	})
	harness.Compare(t, "three GPUs", harness.MustCompleteAll(t, cluster.URL(), gpuTokens), want)
	ask := func(ctx context.Context) ([]harness.Answer, error) {
		return harness.CompleteAll(ctx, cluster.URL(), gpuTokens)
	}
	got := harness.During(t, cluster, ask, func() { cluster.Kill(t, "expert-1") })
	harness.Compare(t, "after a kill", got, want)
	eventually.True(t, "both others serve", func() bool { return cluster.PlacedOn(t, "expert-0", "expert-2") })
	got = harness.During(t, cluster, ask, func() {
		if err := os.WriteFile(filepath.Join(faults, "expert-0"), nil, 0o600); err != nil {
			t.Error(err)
		}
	})
	harness.Compare(t, "after the loss of a device", got, want)
	eventually.True(t, "the last node serves", func() bool { return cluster.PlacedOn(t, "expert-2") })
	eventually.True(t, "the node without a device has left", func() bool { return cluster.Node(t, "expert-0") == nil })
	eventually.True(t, "its process has ended, and says why", func() bool {
		log, err := os.ReadFile(filepath.Join(data, "logs", "expert-0.log"))
		return err == nil && strings.Contains(string(log), "device is lost, leaving") && strings.Contains(string(log), "hachi: the process left: device 0, fake H100 is lost")
	})
	harness.Compare(t, "one GPU", harness.MustCompleteAll(t, cluster.URL(), gpuTokens), want)
}

// TestAttentionOnAGPUKeepsAnswers for every shape of a batch: all answers at once, and one
// after the other with prompts in chunks of a few tokens.
func TestAttentionOnAGPUKeepsAnswers(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	fake, model := fakecuda.Need(t), filepath.Join(t.TempDir(), "tiny")
	if err := mini.Write(model); err != nil {
		t.Fatal(err)
	}
	answers := func(stepTokens, sequences int) []harness.Answer {
		return oneProcess(t, model, fake, func(n *role.ExpertNodeConfig, r *role.RouterConfig) {
			r.Backend, r.ExpertFamily, r.GPUAttention, n.GPUAttention = "cuda", "", true, true
			n.MaxStepTokens, r.MaxStepTokens, r.Serving.MaxSequences = stepTokens, stepTokens, sequences
		})
	}
	harness.Compare(t, "one sequence at a time, in chunks", answers(7, 1), answers(0, 0))
}
