package router

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/api/server"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// client has no connections of other tests.
func client(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// get returns a status and a body.
func get(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	response, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

func placement(t *testing.T, epoch moe.Epoch) *moe.Placement {
	t.Helper()
	p, err := moe.NewPlacement(epoch, "fp", moe.Uniform(1, 2), [][]moe.Replica{{{Node: "a"}}, {{Node: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestReadyWithTheFirstPlacement: /readyz, gRPC health, the record and the
// metrics follow it.
func TestReadyWithTheFirstPlacement(t *testing.T) {
	b := start(t, nil)
	c := client(t)
	health := grpc_health_v1.NewHealthClient(b.conn)
	healthy := func() bool {
		got, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "hachi.v1.InferenceService"})
		if err != nil {
			t.Fatal(err)
		}
		return got.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING
	}
	if code, body := get(t, c, b.url+"/readyz"); code != 503 || !strings.Contains(body, "replica") || healthy() {
		t.Errorf("before: %d %s", code, body)
	}
	if code, _ := get(t, c, b.url+"/healthz"); code != 200 {
		t.Errorf("/healthz: %d", code)
	}
	b.placements <- placement(t, 7)
	eventually.True(t, "ready", func() bool { code, _ := get(t, c, b.url+"/readyz"); return code == 200 })
	eventually.True(t, "healthy", healthy)
	eventually.True(t, "acked", func() bool { acked, _ := b.session.look(); return acked == 7 })
	if _, body := get(t, c, b.url+"/metrics"); !strings.Contains(body, "hachi_placement_epoch 7") {
		t.Errorf("the metrics have no epoch:\n%s", body)
	}
}

// TestMetricsCountEachChoice: two answers of a request are two first tokens,
// and their tokens do not mix.
func TestMetricsCountEachChoice(t *testing.T) {
	b := start(t, nil)
	b.saying("one two three")
	c := client(t)
	response, err := c.Post(b.url+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"x","n":2}`))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if err := b.generate(t.Context(), textPrompt("x")); err != nil {
		t.Fatal(err)
	}
	if err := b.generate(t.Context(), &hachiv1.GenerateRequest{}); err == nil {
		t.Fatal("a request without a prompt was taken")
	}
	b.engine.Count(func(s *engine.Stats) { s.Preemptions, s.PrefixHits = 4, 9 })
	_, body := get(t, c, b.url+"/metrics")
	for _, want := range []string{
		"hachi_time_to_first_token_seconds_count 3",
		`hachi_time_to_first_token_seconds_bucket{le="300"} 3`,
		"hachi_inter_token_latency_seconds_count 6",
		`hachi_e2e_request_latency_seconds_count{status="ok"} 2`,
		`hachi_e2e_request_latency_seconds_count{status="invalid_request_error"} 1`,
		"hachi_num_requests_running 0",
		"hachi_preemptions_total 4",
		"hachi_prefix_cache_hits_total 9",
		`hachi_expert_rows_total{expert="1",layer="0"} 5`,
		"hachi_dispatch_calls_total 11",
		"hachi_dispatch_rows_total 12",
		"hachi_dispatch_hedges_total 13",
		"hachi_dispatch_hedged_rows_total 14",
		"hachi_dispatch_hedges_won_total 15",
		"hachi_dispatch_local_health_score 2",
		`hachi_dispatch_node_suspected{node="n"} 1`,
		`hachi_dispatch_node_suspected{node="o"} 0`,
		`hachi_dispatch_suspicions_total{node="n"} 6`,
		`hachi_dispatch_failovers_total{node="n"} 7`,
		`hachi_dispatch_call_duration_seconds_bucket{node="n",le="5e-05"} 1`,
		`hachi_dispatch_call_duration_seconds_bucket{node="n",le="2.5"} 3`,
		`hachi_dispatch_call_duration_seconds_bucket{node="n",le="+Inf"} 4`,
		`hachi_dispatch_call_duration_seconds_sum{node="n"} 3`,
	} {
		if !strings.Contains(body, "\n"+want+"\n") {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
}

// TestDocsNameEveryMetric: docs/metrics.md and /metrics agree.
func TestDocsNameEveryMetric(t *testing.T) {
	raw, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	b := start(t, nil)
	b.placements <- placement(t, 1)
	if err := b.generate(t.Context(), textPrompt("x")); err != nil {
		t.Fatal(err)
	}
	_, body := get(t, client(t), b.url+"/metrics")
	found := 0
	for line := range strings.Lines(body) {
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			found++
			for _, collector := range []string{"go", "process"} { // of Prometheus's own library
				if strings.HasPrefix(name, collector+"_") {
					name = collector + "_*"
				}
			}
			if name, _, _ = strings.Cut(name, " "); !strings.Contains(string(raw), "`"+name) {
				t.Errorf("docs/metrics.md does not name %s", name)
			}
		}
	}
	if found < 20 {
		t.Errorf("%d metrics", found)
	}
}

// TestGracefulStopLetsAnswersFinish over both APIs, and takes no new ones.
func TestGracefulStopLetsAnswersFinish(t *testing.T) {
	b := start(t, nil)
	b.holding("one")
	web := stream(t, b)
	rpc, err := b.client.Generate(t.Context(), textPrompt("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rpc.Recv(); err != nil {
		t.Fatal(err)
	}
	b.engine.Count(func(s *engine.Stats) { s.Running, s.Waiting = 2, 3 })
	eventually.True(t, "the load is in the record", func() bool { load, draining := b.session.load(); return load == 5 && !draining })
	b.stop()
	eventually.True(t, "refusing", func() bool {
		response, err := client(t).Get(b.url + "/healthz")
		if err == nil {
			response.Body.Close() // it came before the listener had closed
		}
		return err != nil
	})
	if _, draining := b.session.load(); !draining {
		t.Error("the record does not say that the router drains")
	}
	if _, closed := b.session.look(); closed {
		t.Error("the record went before the answers")
	}
	for _, c := range b.engine.Calls() {
		c.Push(engine.Event{Token: b.tokenizer.Encode("two")[0]})
		c.End(engine.Event{Token: -1, Finish: engine.Stop})
	}
	if rest := web.rest(t); !strings.Contains(rest, " two") || !strings.HasSuffix(rest, "data: [DONE]\n\n") {
		t.Errorf("the stream ended with %q", rest)
	}
	text := ""
	for {
		m, err := rpc.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text += m.GetText()
	}
	if text != " two" {
		t.Errorf("gRPC ended with %q", text)
	}
	<-b.done
	if _, closed := b.session.look(); !closed {
		t.Error("the record was left")
	}
}

// TestGracefulStopTellsAnswersThatCannotFinish: an error event or a status,
// before the connection is closed.
func TestGracefulStopTellsAnswersThatCannotFinish(t *testing.T) {
	b := start(t, func(c *Config) { c.Grace = 50 * time.Millisecond })
	b.holding("one")
	web := stream(t, b)
	rpc, err := b.client.Generate(t.Context(), textPrompt("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rpc.Recv(); err != nil {
		t.Fatal(err)
	}
	b.stop()
	if rest := web.rest(t); !strings.Contains(rest, `"error":{"message":"the server is shutting down","type":"server_error"`) || strings.Contains(rest, "[DONE]") {
		t.Errorf("the stream ended with %q", rest)
	}
	if _, err := rpc.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("gRPC ended with %v", err)
	}
	<-b.done
}

// TestStopOfAnIdleRouter does not wait for the grace.
func TestStopOfAnIdleRouter(t *testing.T) {
	b := start(t, func(c *Config) { c.Grace = time.Hour })
	get(t, client(t), b.url+"/healthz")
	b.stop()
	<-b.done
}

// TestBrokenListenerEndsTheRouter the router with the listener's error.
func TestBrokenListenerEndsTheRouter(t *testing.T) {
	broken := listen(t)
	broken.Close()
	b := start(t, func(c *Config) { c.HTTP = broken })
	<-b.done
	if b.err == nil {
		t.Error("Run hid that it does not listen")
	}
	b.err = nil
}

// TestIncompleteConfigNamesItsFields and leaves no listener and no record behind.
func TestIncompleteConfigNamesItsFields(t *testing.T) {
	session := &noting{}
	c := Config{Config: server.Config{HTTP: listen(t), GRPC: listen(t)}, Session: session, Load: &keeping[hachiv1.RouterLoad]{}}
	err := Run(t.Context(), c)
	if err == nil {
		t.Fatal("a router of nothing runs")
	}
	for _, field := range []string{"Engine", "Dispatcher", "API.Completer", "API.Template", "API.Deadline"} {
		if !strings.Contains(err.Error(), field+" is missing") {
			t.Errorf("%v does not name %s", err, field)
		}
	}
	for _, l := range []net.Listener{c.HTTP, c.GRPC} {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a listener was left open: %v", err)
		}
	}
	if _, closed := session.look(); !closed {
		t.Error("the record was left")
	}
}

// TestFailedEngineClosesTheListeners, and ends the router with its error.
func TestFailedEngineClosesTheListeners(t *testing.T) {
	var c Config
	b := start(t, func(given *Config) {
		given.Engine = failing{given.Engine}
		c = *given
	})
	<-b.done
	if !errors.Is(b.err, errEngine) {
		t.Errorf("Run: %v", b.err)
	}
	b.err = nil
	for _, l := range []net.Listener{c.HTTP, c.GRPC} {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a listener was left open: %v", err)
		}
	}
}

var errEngine = errors.New("the engine failed")

// failing is an engine that cannot run.
type failing struct{ Engine }

func (failing) Run(context.Context) error { return errEngine }

// open is a stream that has begun.
type open struct{ response *http.Response }

func stream(t *testing.T, b *bench) open {
	t.Helper()
	response, err := client(t).Post(b.url+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"x","stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if line, err := bufio.NewReaderSize(response.Body, 16).ReadString('{'); err != nil || line != ": waiting\n\ndata: {" {
		t.Fatalf("the stream began with %q, %v", line, err)
	}
	return open{response}
}

func (o open) rest(t *testing.T) string {
	t.Helper()
	raw, err := io.ReadAll(o.response.Body)
	if err != nil {
		t.Fatalf("after %q: %v", raw, err)
	}
	return string(raw)
}
