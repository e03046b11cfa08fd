package role

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/cluster/memory"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/metric"
	"github.com/hachi-serve/hachi/internal/tracing"
	"github.com/hachi-serve/hachi/internal/transport/inproc"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
)

// clusterOptions are what a test changes of a cluster.
type clusterOptions struct {
	replicas int
	tracing  tracing.Config
	wrap     func(rpc.Handler) rpc.Handler // of the calls of nodes
}

// startCluster runs a coordinator, two expert nodes, a router and a gateway in this
// process until the test ends, each with an admin API. It returns the addresses of these
// by role, the URLs of gateway and router, and a key that the one of them asks for that
// is named.
func startCluster(t *testing.T, asks metric.Role, change func(*clusterOptions)) (admin, public map[metric.Role]string, key string) {
	t.Helper()
	options := clusterOptions{replicas: 1}
	change(&options)
	dir, file := tinyCheckpoint(t), filepath.Join(t.TempDir(), "keys.yaml")
	key, entry, err := keys.New("reader", keys.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := yaml.Marshal([]keys.Entry{entry})
	if err == nil {
		err = os.WriteFile(file, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	shared := &InProcess{Store: memory.New(), Network: inproc.NewNetwork()}
	admin = map[metric.Role]string{}
	member := func(role metric.Role, id string, c *ClusterConfig, a *AdminConfig) {
		a.AdminListen = freeport.Address(t)
		admin[role] = "http://" + a.AdminListen
		c.ID, c.InProcess = id, shared
	}
	run := func(id string, role func(context.Context) error) {
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- role(ctx) }()
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Errorf("%s: %v", id, err)
			}
		})
	}
	co := DefaultCoordinator()
	member(metric.Coordinator, "coordinator-0", &co.ClusterConfig, &co.Security.AdminConfig)
	co.Listen, co.ExpectNodes, co.Placement.Replicas = "127.0.0.1:0", 2, options.replicas
	run(co.ID, func(ctx context.Context) error { return RunCoordinator(ctx, co) })
	for i := range 2 {
		node := DefaultExpertNode()
		node.Tracing, node.WrapHandler = options.tracing, options.wrap
		node.Dir, node.Backends, node.Threads = dir, []backend.Backend{cpu.Backend()}, 1
		member(metric.ExpertNode, fmt.Sprintf("expert-%d", i), &node.ClusterConfig, &node.Security.AdminConfig)
		run(node.ID, func(ctx context.Context) error { return RunExpertNode(ctx, node) })
	}
	router := testRouter(dir)
	router.Tracing = options.tracing
	member(metric.Router, router.ID, &router.ClusterConfig, &router.Security.AdminConfig)
	router.Listen, router.GRPC = freeport.Address(t), "127.0.0.1:0"
	g := DefaultGateway()
	g.Tracing = options.tracing
	member(metric.Gateway, "gateway-0", &g.ClusterConfig, &g.Security.AdminConfig)
	g.Model.Dir, g.Listen, g.GRPC = dir, freeport.Address(t), "127.0.0.1:0"
	if asks == metric.Router {
		router.Security.APIKeys = file
	} else {
		g.Security.APIKeys = file
	}
	run(router.ID, func(ctx context.Context) error { return RunRouter(ctx, router) })
	run(g.ID, func(ctx context.Context) error { return RunGateway(ctx, g) })
	return admin, map[metric.Role]string{metric.Router: "http://" + router.Listen, metric.Gateway: "http://" + g.Listen}, key
}

// exported is one metric of a /metrics page.
type exported struct {
	kind, help string
	labels     map[string]bool
}

var (
	about  = regexp.MustCompile(`(?m)^# (TYPE|HELP) (\S+) (.*)$`)
	sample = regexp.MustCompile(`(?m)^([a-z_:0-9]+?)(?:_bucket|_sum|_count)?\{([^}]*)\} `)
	label  = regexp.MustCompile(`([a-z_]+)="`)
)

// scrapeMetrics reads a page. A histogram's label le is none of its own.
func scrapeMetrics(t *testing.T, url string) map[string]*exported {
	t.Helper()
	out := map[string]*exported{}
	text := getText(t, url+"/metrics")
	for _, m := range about.FindAllStringSubmatch(text, -1) {
		if out[m[2]] == nil {
			out[m[2]] = &exported{labels: map[string]bool{}}
		}
		if m[1] == "TYPE" {
			out[m[2]].kind = m[3]
		} else {
			out[m[2]].help = m[3]
		}
	}
	for _, m := range sample.FindAllStringSubmatch(text, -1) {
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			if of := out[m[1]]; of != nil && l[1] != "le" {
				of.labels[l[1]] = true
			}
		}
	}
	return out
}

// TestAClusterExportsTheTable: every process exports the metrics that the table gives its
// role, with their kind, help and labels, and none of hachi's own that the table lacks.
func TestAClusterExportsTheTable(t *testing.T) {
	for _, asks := range []metric.Role{metric.Gateway, metric.Router} { // for keys: a gateway without a certificate has none for a router
		t.Run(string(asks), func(t *testing.T) {
			admin, public, key := startCluster(t, asks, func(*clusterOptions) {})
			for role, url := range public {
				c := &client.Client{URL: url, Key: key}
				eventually.True(t, "it is ready", func() bool { return c.Ready(t.Context()) == nil })
				_, err := c.Complete(t.Context(), client.CompletionRequest{Prompt: "a", Params: client.Params{MaxTokens: 2}})
				if err != nil && (role == metric.Router || asks == metric.Gateway) {
					t.Fatal(err)
				}
			}
			refuse(t, public[asks])
			for role, url := range admin {
				compare(t, role, scrapeMetrics(t, url), role == asks)
			}
		})
	}
}

// compare compares a page with the table. Only who asks for keys has metrics of them, and
// no process of this cluster has a certificate (TestACertificateHasItsTimes).
func compare(t *testing.T, role metric.Role, page map[string]*exported, keyed bool) {
	t.Helper()
	for _, d := range metric.All() {
		got, want := page[d.Name], d.ExportedBy(role) && (keyed || !slices.Contains(d.Labels, "client")) && !slices.Contains(d.Labels, "certificate")
		switch {
		case !want && got != nil:
			t.Errorf("%s exports %s, which the table does not give it", role, d.Name)
		case !want:
		case got == nil:
			t.Errorf("%s does not export %s", role, d.Name)
		case got.kind != string(d.Kind), strings.HasPrefix(d.Name, "hachi_") && got.help != d.Help,
			!slices.Equal(slices.Sorted(maps.Keys(got.labels)), slices.Sorted(slices.Values(d.Labels))):
			t.Errorf("%s exports %s as %+v, the table has %+v", role, d.Name, *got, d)
		}
	}
	for name := range page {
		if strings.HasPrefix(name, "hachi_") && !slices.ContainsFunc(metric.All(), func(d metric.Definition) bool { return d.Name == name }) {
			t.Errorf("%s exports %s, which the table lacks", role, name)
		}
	}
}

// getText reads a page.
func getText(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return string(text)
}

// refuse asks without a key.
func refuse(t *testing.T, url string) {
	t.Helper()
	resp, err := http.Get(url + "/v1/models")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s without a key: %s", url, resp.Status)
	}
}
