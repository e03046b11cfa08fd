//go:build !race

// Whole clusters under the race detector are late for every timeout.

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hachi-serve/hachi/internal/bench/mix"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// gatewayCluster has some routers behind a gateway.
func gatewayCluster(t *testing.T, routers int) *harness.Cluster {
	return hachi.Cluster(t, func(c *local.UpConfig) {
		c.Nodes, c.Routers, c.Placement.Replicas, c.Restart = 2, routers, 2, true
	})
}

// askKinds sends each kind, whole and streamed, with several prompts, and returns what
// came.
func askKinds(ctx context.Context, url string) (map[string]string, error) {
	const prompts = 2
	requests := mix.Requests(2*prompts*mix.Kinds(), 48)
	answers := make([]string, len(requests))
	group, ctx := errgroup.WithContext(ctx)
	for i, r := range requests {
		group.Go(func() error {
			answer, err := harness.Post(ctx, url+r.Path, []byte(r.Body))
			if err != nil {
				return fmt.Errorf("%s: %w", r.Body, err)
			}
			answers[i], err = mix.Fold(answer)
			return err
		})
	}
	err := group.Wait()
	out := map[string]string{}
	for i, r := range requests {
		out[r.Name+" "+r.Body] = answers[i]
	}
	return out, err
}

// gatewayMetric is the sum of the series of a metric of a gateway.
func gatewayMetric(t *testing.T, url, series string) (sum float64) {
	t.Helper()
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok && strings.HasPrefix(name, series) {
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += v
		}
	}
	return sum
}

// compareKinds fails the test where an answer differs.
func compareKinds(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for name, answer := range want {
		if got[name] != answer {
			t.Errorf("%s: %s:\n%s\nwant\n%s", what, name, got[name], answer)
		}
	}
}

// serveAgain waits until every router takes requests. The record of a router that was
// killed stays until its successor writes another, or its lease ends.
func serveAgain(t *testing.T, cluster *harness.Cluster, routers int) {
	t.Helper()
	eventually.True(t, "every router serves", func() bool {
		n := 0
		for _, r := range cluster.View(t).Routers {
			if r.GetAckedEpoch() > 0 && !r.GetDraining() && isReady("http://"+r.GetHttpAddr()) {
				n++
			}
		}
		return n == routers
	})
}

// isReady reports whether a process says that it serves.
func isReady(url string) bool {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(url + "/readyz")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// TestARouterBehindAGatewayAnswersAlike: through a gateway, and at a router that serves
// the same cluster without one.
func TestARouterBehindAGatewayAnswersAlike(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	cluster := gatewayCluster(t, 2)
	router := "http://" + cluster.View(t).Routers[0].GetHttpAddr()
	got, err := askKinds(t.Context(), cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	want, err := askKinds(t.Context(), router)
	if err != nil {
		t.Fatal(err)
	}
	compareKinds(t, "through a gateway", got, want)
	for _, kind := range []string{"JSON Schema", "tools"} {
		body := []byte("{" + mix.Members(kind, 1) + "}")
		got, err := harness.Post(t.Context(), cluster.URL()+"/tokenize", body)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := harness.Post(t.Context(), router+"/tokenize", body); err != nil || got != want {
			t.Errorf("the tokens of %s: %v\n%s\nwant\n%s", kind, err, got, want)
		}
	}
}

// TestNoDeathOfARouterIsFelt: a router is killed, stopped and asked to leave in the
// middle of answers of every kind. None fails, and every one has the bytes of an
// undisturbed run.
func TestNoDeathOfARouterIsFelt(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	cluster := gatewayCluster(t, 2)
	want, err := askKinds(t.Context(), cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(ctx context.Context) (map[string]string, error) { return askKinds(ctx, cluster.URL()) }
	for _, fault := range []struct {
		name   string
		signal syscall.Signal
		cause  string
	}{
		{"killed", syscall.SIGKILL, "failed"}, {"stopped", syscall.SIGSTOP, "silent"}, {"asked to leave", syscall.SIGTERM, ""},
	} {
		for _, victim := range []string{"router-0", "router-1"} {
			serveAgain(t, cluster, 2)
			moved := gatewayMetric(t, cluster.URL(), "hachi_gateway_answers_moved_total")
			pid := cluster.Child(victim).PID()
			got := harness.During(t, cluster, ask, func() {
				eventually.True(t, "the victim draws answers", func() bool {
					return gatewayMetric(t, cluster.URL(), fmt.Sprintf("hachi_gateway_answers_running{router=%q}", victim)) > 0
				})
				cluster.Signal(t, victim, fault.signal)
			})
			compareKinds(t, victim+" "+fault.name, got, want)
			if fault.signal == syscall.SIGSTOP {
				cluster.Signal(t, victim, syscall.SIGKILL)
			}
			if fault.cause != "" && gatewayMetric(t, cluster.URL(), "hachi_gateway_answers_moved_total") == moved {
				t.Errorf("%s %s: no answer went on at another router", victim, fault.name)
			}
			eventually.True(t, victim+" runs again", func() bool { return cluster.Child(victim).PID() != pid })
		}
	}
}

// TestRollingRestartOfEveryRouter under load, one after another: no request fails, and
// every answer is the same.
func TestRollingRestartOfEveryRouter(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	const routers = 3
	cluster := gatewayCluster(t, routers)
	cluster.UnderLoad(t, func() {
		for i := range routers {
			victim := fmt.Sprint("router-", i)
			pid := cluster.Child(victim).PID()
			cluster.Terminate(t, victim)
			eventually.True(t, victim+" runs again", func() bool { return cluster.Child(victim).PID() != pid })
			serveAgain(t, cluster, routers)
		}
	})
}

// TestAGatewaysDeathCutsItsStreams: without an end, so that no client takes half an
// answer for a whole one; the same request with its seed gives the same answer at the
// next gateway.
func TestAGatewaysDeathCutsItsStreams(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	cluster := gatewayCluster(t, 2)
	want := harness.MustCompleteAll(t, cluster.URL(), harness.StreamTokens)
	lines := begin(t, cluster.URL()+"/v1/completions", `{"prompt":"a","max_tokens":20000,"ignore_eos":true,"stream":true}`)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") { // comments come first
	}
	pid := cluster.Child("gateway-0").PID()
	cluster.Kill(t, "gateway-0")
	for lines.Scan() {
		if lines.Text() == "data: [DONE]" {
			t.Error("the stream of the dead gateway ended well")
		}
	}
	if lines.Err() == nil {
		t.Error("the stream of the dead gateway has an end")
	}
	eventually.True(t, "the gateway serves again", func() bool {
		return cluster.Child("gateway-0").PID() != pid && harness.Serves(cluster.URL())
	})
	harness.Compare(t, "at the next gateway", harness.MustCompleteAll(t, cluster.URL(), harness.StreamTokens), want)
}
