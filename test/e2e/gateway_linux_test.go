//go:build !race

// Whole clusters under the race detector are late for every timeout.

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// kinds are requests of every kind, and whether they are of chat completions.
var kinds = map[string]struct {
	chat bool
	body string
}{
	"plain":       {false, `"prompt":"The %d","temperature":0`},
	"seeded":      {false, `"prompt":"Seed %d","temperature":0.9,"top_p":0.9,"seed":7`},
	"n":           {false, `"prompt":"Two %d","temperature":1,"seed":8,"n":2`},
	"logprobs":    {false, `"prompt":"Log %d","temperature":0.8,"seed":9,"logprobs":3`},
	"penalties":   {false, `"prompt":"Pen %d","temperature":0.7,"seed":2,"repetition_penalty":1.2,"frequency_penalty":0.5,"presence_penalty":0.2,"logit_bias":{"300":2},"min_tokens":30`},
	"stop":        {false, `"prompt":"Stop %d","temperature":1,"seed":4,"stop":["a","zz"],"min_tokens":20`},
	"regex":       {false, `"prompt":"Re %d","temperature":1,"seed":5,"structured_outputs":{"regex":"([a-z]{3,9} ){8,12}[0-9]{9}"}`},
	"choice":      {false, `"prompt":"Ch %d","temperature":1,"seed":6,"structured_outputs":{"choice":["the quick brown fox jumps","over the lazy dog again"]}`},
	"JSON Schema": {true, `"messages":[{"role":"user","content":"Schema %d"}],"temperature":1,"seed":1,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{"name":{"type":"string","minLength":12,"maxLength":30},"ages":{"type":"array","items":{"type":"integer"},"minItems":6,"maxItems":9}},"required":["name","ages"],"additionalProperties":false}}}`},
	"tools":       {true, `"messages":[{"role":"user","content":"Tool %d"}],"temperature":1,"seed":3,"tool_choice":"required","tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string","minLength":20,"maxLength":40},"days":{"type":"integer"}},"required":["city","days"],"additionalProperties":false}}}]`},
	"chat":        {true, `"messages":[{"role":"user","content":"Chat %d"}],"temperature":0.8,"seed":3,"logprobs":true,"top_logprobs":2`},
}

// gatewayCluster has some routers behind a gateway.
func gatewayCluster(t *testing.T, routers int) *harness.Cluster {
	return hachi.Cluster(t, func(c *local.UpConfig) {
		c.Nodes, c.Routers, c.Placement.Replicas, c.Restart = 2, routers, 2, true
	})
}

// askKinds sends each kind, whole and streamed, with several prompts, and returns what
// came.
func askKinds(ctx context.Context, url string) (map[string]string, error) {
	type asked struct{ name, answer string }
	names := slices.Sorted(maps.Keys(kinds))
	const prompts = 2
	all := make([]asked, 2*prompts*len(names))
	group, ctx := errgroup.WithContext(ctx)
	for i := range all {
		group.Go(func() error {
			k, stream := kinds[names[i%len(names)]], i/len(names)%2 == 1
			path := "/v1/completions"
			if k.chat {
				path = "/v1/chat/completions"
			}
			body := fmt.Sprintf(`{"max_tokens":48,"stream":%v,`+k.body+`}`, stream, i/len(names)/2)
			answer, err := harness.Post(ctx, url+path, []byte(body))
			if err != nil {
				return fmt.Errorf("%s: %w", body, err)
			}
			all[i].name = fmt.Sprintf("%s, stream %v, prompt %d", names[i%len(names)], stream, i/len(names)/2)
			all[i].answer, err = harness.Fold(answer)
			return err
		})
	}
	err := group.Wait()
	out := map[string]string{}
	for _, a := range all {
		out[a.name] = a.answer
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

// serveAgain waits until every router takes requests.
func serveAgain(t *testing.T, cluster *harness.Cluster, routers int) {
	t.Helper()
	eventually.True(t, "every router serves", func() bool {
		n := 0
		for _, r := range cluster.View(t).Routers {
			if r.GetAckedEpoch() > 0 && !r.GetDraining() {
				n++
			}
		}
		return n == routers
	})
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
		body := []byte("{" + fmt.Sprintf(kinds[kind].body, 1) + "}")
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
