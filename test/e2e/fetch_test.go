package e2e

import (
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/moe"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// withManifest copies the model and makes its manifest.
func withManifest(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), filepath.Base(hachi.Model))
	if err := os.CopyFS(dir, os.DirFS(hachi.Model)); err != nil {
		t.Fatal(err)
	}
	hachi.Output(t, "model", "inspect", "--verify", dir)
	return dir
}

// TestNodesThatJoinFetchFromNodes: over mTLS and under load, from the one node that has the
// model, and then the third from the second, which has it from the first.
func TestNodesThatJoinFetchFromNodes(t *testing.T) {
	harness.Slow(t)
	const tokens = 8
	var dir string
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Nodes, c.Model.Dir, dir = 1, withManifest(t), c.DataDir })
	want := harness.MustCompleteAll(t, cluster.URL(), tokens)
	placed := func(names ...moe.NodeID) func() bool {
		return func() bool { return cluster.PlacedOn(t, names...) }
	}
	join := func(name, admin string) {
		hachi.Start(t, append(cluster.Security(t, identity.Expert, name), "expertnode", "--id", name, "--model", "peer://", "--listen", "127.0.0.1:0",
			"--etcd", cluster.Endpoints()[0], "--weights-cache", t.TempDir(), "--admin-listen", admin)...)
	}
	admin := freeport.Address(t)
	cluster.UnderLoad(t, func() {
		join("expert-1", admin)
		eventually.True(t, "the second node serves", placed("expert-0", "expert-1"))
		eventually.True(t, "it is ready", func() bool { return probe(admin) == http.StatusOK })
		if status, output := hachi.Run(t, "drain", "expert-0", "--data-dir", dir, "--wait"); status != 0 {
			t.Errorf("drain %d: %s", status, output)
		}
		eventually.True(t, "the first node serves nothing", placed("expert-1"))
		cluster.Terminate(t, "expert-0")
		eventually.True(t, "its record is gone", func() bool { return cluster.Node(t, "expert-0") == nil })
		join("expert-2", freeport.Address(t))
		eventually.True(t, "the third node serves", placed("expert-1", "expert-2"))
	})
	harness.Compare(t, "experts from nodes", harness.MustCompleteAll(t, cluster.URL(), tokens), want)
	for _, name := range []string{"expert-1", "expert-2"} {
		if n := cluster.Node(t, name); n.GetFetchedBytes() == 0 || n.GetGivesAllWeights() || n.GetLoadError() != "" {
			t.Errorf("%s fetched %d bytes, gives all %t, load error %q", name, n.GetFetchedBytes(), n.GetGivesAllWeights(), n.GetLoadError())
		}
	}
	if status, said := hachi.Run(t, "status", "--data-dir", dir); status != 0 || !strings.Contains(said, "expert-2") {
		t.Errorf("status %d: %s", status, said)
	}
}

// probe asks a node whether it is ready.
func probe(admin string) int {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	r, err := client.Get("https://" + admin + "/readyz")
	if err != nil {
		return 0 // it has not started yet
	}
	defer r.Body.Close()
	return r.StatusCode
}
