package harness

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// ShortTTL is for tests that wait for the end of a lease. The others keep the
// default: a machine without time for a renewal must not move experts.
const ShortTTL = 2 * time.Second

// startWithin bounds the start of a cluster and one round of answers.
const startWithin = 5 * time.Minute

// Cluster is what `hachi up` runs: etcd in this process, and every role as a
// process.
type Cluster struct{ *local.Cluster }

// Config is a small cluster of the program's processes, changed by change unless
// that is nil. A process that dies stays dead.
func (p *Program) Config(t *testing.T, change func(*local.UpConfig)) local.UpConfig {
	t.Helper()
	cfg := local.DefaultUp()
	cfg.Model.Dir = p.Model
	cfg.Listen = freeport.Address(t)
	cfg.DataDir = t.TempDir()
	cfg.Serving.KVCacheMemory = 64 << 20
	cfg.Restart = false
	cfg.Binary = p.Binary
	cfg.BinaryEnv = []string{"GOMAXPROCS=2"}
	if change != nil {
		change(&cfg)
	}
	return cfg
}

// Cluster starts a cluster and returns when it serves. The cluster runs until
// the test ends.
func (p *Program) Cluster(t *testing.T, change func(*local.UpConfig)) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	cluster, err := local.Up(ctx, p.Config(t, change))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cluster.Close(context.Background()) })
	if err := cluster.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return &Cluster{cluster}
}

// View reads the records of the cluster.
func (c *Cluster) View(t *testing.T) status.View {
	t.Helper()
	view, err := c.Cluster.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return view
}

// Node is the record of a node, nil if it has none.
func (c *Cluster) Node(t *testing.T, name string) *hachiv1.NodeRecord {
	t.Helper()
	for _, n := range c.View(t).Nodes {
		if n.GetNodeId() == name {
			return n
		}
	}
	return nil
}

// PlacedOn reports whether exactly these nodes serve.
func (c *Cluster) PlacedOn(t *testing.T, names ...moe.NodeID) bool {
	t.Helper()
	var serving []moe.NodeID
	for _, n := range c.View(t).Placement.Nodes() {
		serving = append(serving, n.Node)
	}
	return slices.Equal(serving, names)
}

// Kill ends the process of a role without warning.
func (c *Cluster) Kill(t *testing.T, name string) { c.Signal(t, name, syscall.SIGKILL) }

// Terminate asks the process of a role to leave.
func (c *Cluster) Terminate(t *testing.T, name string) { c.Signal(t, name, syscall.SIGTERM) }

// Signal sends a signal to the process of a role.
func (c *Cluster) Signal(t *testing.T, name string, signal syscall.Signal) {
	t.Helper()
	if err := c.Child(name).Signal(signal); err != nil {
		t.Error(err)
	}
}

// Security are the flags of another process of the cluster, with a certificate of
// its own.
func (c *Cluster) Security(t *testing.T, role identity.Role, name string) []string {
	t.Helper()
	dir, err := c.Certificates(role, name)
	if err != nil {
		t.Fatal(err)
	}
	return []string{"--certificates", dir, "--gossip-keys", filepath.Join(filepath.Dir(dir), "gossip.keys")}
}

// Registry opens the records of a cluster, with a nil certificate in plaintext.
func Registry(t *testing.T, where status.Where) *registry.Registry {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	client, err := where.Store(logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return where.Registry(client, registry.Options{TTL: registry.DefaultTTL, Logger: logger})
}
