package verify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestPodsServe runs every pod of the cpu overlay with a tiny model and the Secrets
// that the document's commands make: they find one another, become ready, serve
// those who have a key, and are replaced one at a time, with new certificates,
// while requests go on and give the same answers.
func TestPodsServe(t *testing.T) {
	t.Parallel()
	k := newKubelet(t, render(t, "cpu"))
	c := k.operate(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	k.startAll(ctx, t)
	k.waitForColumns(ctx, t)
	want := c.answers(ctx, t)
	k.operator.run(t, k.forward(t, documentedLine(t, "hachi certs etcd "), "etcd-0"))
	k.refuseStrangers(ctx, t, c)
	k.operator.run(t, "hachi certs renew --all\nhachi certs secrets | kubectl apply --server-side -f -")
	for _, name := range []string{"expert-7", "expert-3", "coordinator-0", "coordinator-1", "etcd-2", "router-0", "router-1", "gateway-1"} {
		t.Log("replacing", name)
		k.replace(ctx, t, name, c, want)
	}
	k.waitForColumns(ctx, t)
	if got := c.answers(ctx, t); !slices.Equal(got, want) {
		t.Errorf("after the rollout: %q, want %q", got, want)
	}
	for _, p := range k.pods {
		if err := k.ready(ctx, p); err != nil {
			t.Error(err)
		}
	}
}

// TestPlainPodsServe runs those of the overlay dev, without a Secret. Then etcd goes, and the
// containers of all expert nodes crash: they start again in their pods and serve what they
// served before.
func TestPlainPodsServe(t *testing.T) {
	t.Parallel()
	k := newKubelet(t, render(t, "dev"))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	k.startAll(ctx, t)
	c := &client{http: http.DefaultClient, url: k.url(t, "http"), model: k.model(t)}
	want := c.answers(ctx, t)
	etcd := k.pod(t, "etcd-0")
	if err := k.stop(etcd); err != nil {
		t.Fatal(err)
	}
	experts := []string{"expert-0", "expert-1"}
	for _, name := range experts {
		k.running[name].Kill()
	}
	for _, name := range experts {
		run, err := k.Restart(k.pod(t, name))
		if err != nil {
			t.Fatal(err)
		}
		k.running[name] = run
	}
	if got := c.answers(ctx, t); !slices.Equal(got, want) {
		t.Errorf("without etcd: %q, want %q", got, want)
	}
	k.start(t, etcd)
	for _, p := range k.pods {
		if err := k.ready(ctx, p); err != nil {
			t.Error(err)
		}
	}
}

// TestPodsOfCertManagerServe runs those of cpu with the certificates that the driver of
// cert-manager would make, and reads their metrics as the monitors say: those that
// autoscalers follow are among them.
func TestPodsOfCertManagerServe(t *testing.T) {
	t.Parallel()
	m, err := compose(t, load(t), "cpu", "cert-manager", "monitoring")
	if err != nil {
		t.Fatal(err)
	}
	k := newKubelet(t, m)
	c := k.operate(t)
	k.operator.run(t, documentedScript(t, "hachi certs issue operator prometheus\n"))
	for component := range map[string]bool{"expert": true, "router": true, "gateway": true, "coordinator": true, "etcd": true} {
		if err := os.RemoveAll(filepath.Join(k.Secrets, component+certificatesSuffix)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	k.startAll(ctx, t)
	c.answers(ctx, t)
	wanted := metricsOf(t, "autoscaling", "autoscaling-keda")
	for {
		exported := k.scrape(ctx, t)
		missing := slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return exported[name] })
		if len(missing) == 0 {
			return
		}
		select { // until a coordinator leads
		case <-ctx.Done():
			t.Fatalf("no pod exports %v", missing)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// scrape reads every pod as its monitor says, and returns the names of its metrics.
func (k *kubelet) scrape(ctx context.Context, t *testing.T) map[string]bool {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(k.Secrets, scraperSecret, "tls.crt"), filepath.Join(k.Secrets, scraperSecret, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(k.Secrets, scraperSecret, "ca.crt"))
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(raw) {
		t.Fatal(err)
	}
	exported := map[string]bool{}
	for _, m := range k.Manifests.Monitors {
		w := k.Manifests.monitored(m)
		for _, pod := range w.PodNames() {
			e := m.Spec.PodMetricsEndpoints[0]
			transport := &http.Transport{DisableKeepAlives: true}
			if e.TLSConfig != nil {
				transport.TLSClientConfig = &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, ServerName: e.TLSConfig.ServerName}
			}
			port, _ := w.portNamed(e.Port)
			scraper := &client{http: &http.Client{Transport: transport}}
			text, err := scraper.ask(ctx, http.MethodGet, fmt.Sprintf("%s://%s:%d/metrics", e.Scheme, k.pod(t, pod).IP, port), "", nil)
			if err != nil {
				t.Errorf("%s: %v", pod, err)
			}
			for _, n := range metricsIn([]string{string(text)}) {
				exported[n] = true
			}
		}
	}
	return exported
}

// startAll starts every pod and waits until all are ready.
func (k *kubelet) startAll(ctx context.Context, t *testing.T) {
	t.Helper()
	for _, p := range k.pods {
		k.start(t, p)
	}
	for _, p := range k.pods {
		if err := k.ready(ctx, p); err != nil {
			t.Fatal(err)
		}
	}
}

// replace stops a pod and starts it again, while the gateway in front serves.
func (k *kubelet) replace(ctx context.Context, t *testing.T, name string, c *client, want []string) {
	t.Helper()
	p := k.pod(t, name)
	stopped := make(chan error, 1)
	go func() { stopped <- k.stop(p) }()
	for rounds := 0; ; rounds++ {
		if got := c.answers(ctx, t); !slices.Equal(got, want) {
			t.Fatalf("while %s stops: %q, want %q", name, got, want)
		}
		select {
		case err := <-stopped:
			if err != nil {
				t.Fatal(err)
			}
		default:
			continue
		}
		break
	}
	k.start(t, p)
	if err := k.ready(ctx, p); err != nil {
		t.Fatal(err)
	}
}

// waitForColumns: expert e of every layer is at home on expert-e, and its copy
// on the next pod. `hachi status` is run as one would with kubectl exec.
func (k *kubelet) waitForColumns(ctx context.Context, t *testing.T) {
	t.Helper()
	for {
		fault := k.columns(t)
		if fault == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(fault)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (k *kubelet) columns(t *testing.T) error {
	t.Helper()
	cmd := exec.Command(k.hachi, "status", "--json")
	var err error
	if cmd.Env, err = k.Environment(k.pod(t, "coordinator-0")); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	var status struct {
		Nodes     []struct{ Backend string }
		Placement [][][]string
	}
	if err := json.Unmarshal(out, &status); err != nil {
		return err
	}
	if len(status.Nodes) != mixtral.experts || len(status.Placement) == 0 {
		return fmt.Errorf("%d nodes, want %d: %s", len(status.Nodes), mixtral.experts, out)
	}
	for layer, experts := range status.Placement {
		for e, nodes := range experts {
			want := []string{fmt.Sprintf("expert-%d", e), fmt.Sprintf("expert-%d", (e+1)%mixtral.experts)}
			if !slices.Equal(nodes, want) {
				return fmt.Errorf("layer %d expert %d is on %v, want %v", layer, e, nodes, want)
			}
		}
	}
	return nil
}
