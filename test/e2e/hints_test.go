package e2e

import (
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// lines counts the lines of a process's log with all of some texts.
func lines(t *testing.T, p *harness.Process, texts ...string) (n int) {
	t.Helper()
	for line := range strings.Lines(p.Output(t)) {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(line, text)
		}
		if all {
			n++
		}
	}
	return n
}

// TestAnEtcdWithTLSIsExplained: every command and role that reaches it without
// certificates, or one in plaintext with them, names the flag that it lacks.
func TestAnEtcdWithTLSIsExplained(t *testing.T) {
	harness.Slow(t)
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Nodes = 1 })
	store := cluster.Endpoints()[0]
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // the run file of the cluster names its certificates
	for _, args := range [][]string{{"status", "--etcd", store}, {"drain", "expert-0", "--etcd", store}, {"status", "--etcd", store, "--cluster", "hachi"}} {
		if code, said := hachi.Run(t, args...); code == 0 || !strings.Contains(said, "speaks TLS: name a directory of certificates with --etcd-certificates") {
			t.Errorf("%v: %d, %s", args, code, said)
		}
	}
	for _, args := range [][]string{
		{"coordinator", "--id", "a", "--listen", "127.0.0.1:0"},
		{"expertnode", "--id", "a", "--listen", "127.0.0.1:0", "--model", hachi.Model},
		{"router", "--id", "a", "--listen", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--model", hachi.Model, "--kv-cache-memory", "64Mi"},
	} {
		waiting := hachi.Start(t, append(args, "--etcd", store)...)
		eventually.True(t, args[0]+" says what it waits for", func() bool {
			return lines(t, waiting, "waiting for etcd", "speaks TLS: name a directory of certificates with --etcd-certificates") == 1
		})
	}
}
