//go:build !race

// Whole clusters under the race detector are late for every timeout.

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// TestAnswersGoOnAtARouterOfAnotherVersion of the program, in both directions: the
// fingerprint of the model decides, not the version.
func TestAnswersGoOnAtARouterOfAnotherVersion(t *testing.T) {
	harness.Slow(t)
	other := harness.Version(t, "v9.9.9")
	cluster := hachi.Cluster(t, func(c *local.UpConfig) {
		c.Nodes, c.Routers, c.Placement.Replicas, c.Restart = 2, 2, 2, true
		c.Exec = func(name string, argv []string) []string {
			if name == "router-1" {
				return slices.Concat([]string{other}, argv[1:])
			}
			return argv
		}
	})
	ask := func(ctx context.Context) (map[string]string, error) { return askKinds(ctx, cluster.URL()) }
	want, err := ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, victim := range []string{"router-0", "router-1"} {
		serveAgain(t, cluster, 2)
		moved := gatewayMetric(t, cluster.URL(), "hachi_gateway_answers_moved_total")
		got := harness.During(t, cluster, ask, func() {
			eventually.True(t, "the victim draws answers", func() bool {
				return gatewayMetric(t, cluster.URL(), fmt.Sprintf("hachi_gateway_answers_running{router=%q}", victim)) > 0
			})
			cluster.Signal(t, victim, syscall.SIGKILL)
		})
		compareKinds(t, victim+" killed", got, want)
		if gatewayMetric(t, cluster.URL(), "hachi_gateway_answers_moved_total") == moved {
			t.Errorf("%s killed: no answer went on at another router", victim)
		}
	}
}

// otherTexts is the program's model with another chat template.
func otherTexts(t *testing.T, template string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(hachi.Model)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte(template), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestRoutersWithOtherTextsArePassedOver: a router with another chat template gets no
// request and is named in the status. A gateway whose files are those of no router
// ends, and says what to do.
func TestRoutersWithOtherTextsArePassedOver(t *testing.T) {
	harness.Slow(t)
	const plain = "{% for m in messages %}{{ m.content }}{% endfor %}"
	other := otherTexts(t, plain)
	var dir string
	cluster := hachi.Cluster(t, func(c *local.UpConfig) {
		c.Nodes, c.Routers, c.Security.Plaintext = 1, 2, true
		c.Exec = func(name string, argv []string) []string {
			if name == "router-1" {
				return append(slices.Clone(argv), "--model", other)
			}
			return argv
		}
		dir = c.DataDir
	})
	serveAgain(t, cluster, 2)
	if _, err := askKinds(t.Context(), cluster.URL()); err != nil {
		t.Fatal(err)
	}
	router := "http://" + cluster.View(t).Routers[1].GetHttpAddr()
	if n := gatewayMetric(t, router, "hachi_generation_tokens_total"); n != 0 {
		t.Errorf("the router with another template drew %v tokens", n)
	}
	_, output := hachi.Run(t, "status", "--data-dir", dir, "--json")
	var got client.Status
	if err := json.Unmarshal([]byte(output), &got); err != nil {
		t.Fatalf("%v in %s", err, output)
	}
	if passed := got.Gateways[0].PassedOver; len(passed) != 1 || passed[0].Router != "router-1" || !strings.Contains(passed[0].Why, "template") {
		t.Errorf("the status says %+v", got.Gateways)
	}
	third := otherTexts(t, plain+" ")
	code, said := hachi.Run(t, "gateway", "--id", "gateway-1", "--model", third, "--etcd", cluster.Endpoints()[0], "--cluster", cluster.Name(),
		"--listen", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--gossip", "127.0.0.1:0")
	if code != 78 || !strings.Contains(said, "is not that of router-0, router-1") || !strings.Contains(said, "copy the tokenizer and template files") {
		t.Errorf("a gateway with other texts than all routers ended with %d:\n%s", code, said)
	}
}
