package role

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/metric"
	"github.com/hachi-serve/hachi/internal/tracing"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/moe"
)

// exportedSpan is a span and the process that made it.
type exportedSpan struct {
	*otlp.Span
	service, instance string
}

// attribute is the text of an attribute; "" if there is none.
func attribute(all []*common.KeyValue, key string) string {
	for _, a := range all {
		if a.GetKey() == key {
			if v, ok := a.GetValue().GetValue().(*common.AnyValue_IntValue); ok {
				return fmt.Sprint(v.IntValue)
			}
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}

// traceCollector is an OpenTelemetry collector.
type traceCollector struct {
	collector.UnimplementedTraceServiceServer
	mu    sync.Mutex // guards spans
	spans []exportedSpan
}

// Export implements the service.
func (c *traceCollector) Export(_ context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range r.GetResourceSpans() {
		about := of.GetResource().GetAttributes()
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, exportedSpan{s, attribute(about, "service.name"), attribute(about, "service.instance.id")})
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// traces are the spans so far, by trace.
func (c *traceCollector) traces() map[string][]exportedSpan {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string][]exportedSpan{}
	for _, s := range c.spans {
		out[string(s.GetTraceId())] = append(out[string(s.GetTraceId())], s)
	}
	return out
}

// startCollector runs a collector until the test ends.
func startCollector(t *testing.T) (*traceCollector, tracing.Config) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, server := &traceCollector{}, grpc.NewServer()
	collector.RegisterTraceServiceServer(server, c)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return c, tracing.Config{Endpoint: "http://" + l.Addr().String(), Ratio: 1}
}

// faultyCalls delays one call of a traced token and fails another, once it is armed.
type faultyCalls struct {
	rpc.Handler
	armed *atomic.Bool
	// late and lost are the layers whose first traced call suffers; used once each.
	late, lost *atomic.Int64
}

const (
	lateLayer = 0
	lostLayer = 1
	used      = -1
)

// Serve implements rpc.Handler.
func (f faultyCalls) Serve(c *moe.Call, done func(*moe.Reply, error)) func() bool {
	switch layer := int64(c.Layer); {
	case !f.armed.Load() || c.Trace.IsZero():
	case f.lost.CompareAndSwap(layer, used):
		done(nil, &moe.Error{Op: "expert call", Kind: moe.Unreachable, Err: fmt.Errorf("lost by the test")})
		return nil
	case f.late.CompareAndSwap(layer, used):
		return f.Handler.Serve(c, func(r *moe.Reply, err error) {
			time.AfterFunc(time.Second, func() { done(r, err) }) // far beyond any hedge
		})
	}
	return f.Handler.Serve(c, done)
}

// TestOneTraceShowsTheWholeWay of a request: gateway, router and nodes; the queue, the
// prompt, and of one token each layer with its calls, a hedge and a failover.
func TestOneTraceShowsTheWholeWay(t *testing.T) {
	spans, to := startCollector(t)
	faults := faultyCalls{armed: &atomic.Bool{}, late: &atomic.Int64{}, lost: &atomic.Int64{}}
	faults.late.Store(lateLayer)
	faults.lost.Store(lostLayer)
	admin, public, key := startCluster(t, metric.Gateway, func(c *clusterOptions) {
		c.tracing, c.replicas = to, 2
		c.wrap = func(h rpc.Handler) rpc.Handler { f := faults; f.Handler = h; return f }
	})
	c := &client.Client{URL: public[metric.Gateway], Key: key}
	eventually.True(t, "the gateway is ready", func() bool { return c.Ready(t.Context()) == nil })
	ask := func(tokens int) {
		t.Helper()
		if _, err := c.Complete(t.Context(), client.CompletionRequest{Prompt: "hello", Params: client.Params{MaxTokens: tokens, IgnoreEOS: true}}); err != nil {
			t.Fatal(err)
		}
	}
	ask(60) // the router learns how long calls take, and earns hedges
	before := spans.traces()
	faults.armed.Store(true)
	ask(3)
	layers := 0
	eventually.True(t, "one trace has everything", func() bool {
		for id, all := range spans.traces() {
			if before[id] == nil && whole(all, &layers) {
				return true
			}
		}
		return false
	})
	if cfg, err := checkpoint.ReadConfig(tinyCheckpoint(t)); err != nil || layers != cfg.Layers {
		t.Errorf("%d layers of the token, the model has %d (%v)", layers, cfg.Layers, err)
	}
	for role, names := range map[metric.Role][]string{
		metric.Gateway: {metric.FirstToken.Name, metric.NextToken.Name, metric.WholeRequest.Name}, metric.Router: {metric.QueueTime.Name},
	} {
		for _, name := range names {
			if id := exemplar(t, admin[role], name); spans.traces()[id] == nil {
				t.Errorf("an exemplar of %s at the %s names the trace %x", name, role, id)
			}
		}
	}
}

// exemplar is the trace of an exemplar of a histogram; "" without one.
func exemplar(t *testing.T, url, name string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/openmetrics-text")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + name + `_bucket\{.*# \{trace_id="([0-9a-f]{32})"\}`).FindSubmatch(text)
	if m == nil {
		return ""
	}
	id, err := hex.DecodeString(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return string(id)
}

// whole reports whether a trace shows the whole way, and counts the layers of its token.
func whole(all []exportedSpan, layers *int) bool {
	services, nodes, names, reasons := map[string]bool{}, map[string]bool{}, map[string]int{}, map[string]bool{}
	byLayer, parents, computed := map[string]bool{}, map[string]string{}, map[string]bool{}
	for _, s := range all {
		services[s.service] = true
		names[s.GetName()]++
		parents[string(s.GetSpanId())] = string(s.GetParentSpanId())
		switch s.GetName() {
		case "layer":
			byLayer[attribute(s.GetAttributes(), "hachi.layer")] = true
		case "expert call":
			reasons[attribute(s.GetAttributes(), "hachi.reason")] = true
		case "compute experts":
			nodes[s.instance] = true
			computed[string(s.GetParentSpanId())] = true
		}
	}
	connected := 0
	for _, s := range all {
		if parent := string(s.GetParentSpanId()); parent == "" {
			connected++
		} else if _, ok := parents[parent]; !ok {
			return false
		}
		if s.GetName() == "compute experts" && !strings.HasPrefix(s.service, "hachi-expert") {
			return false
		}
	}
	*layers = len(byLayer)
	return connected == 1 && services["hachi-gateway"] && services["hachi-router"] && slices.Equal(slices.Sorted(maps.Keys(nodes)), []string{"expert-0", "expert-1"}) &&
		names["queue"] == 1 && names["prefill chunk"] > 0 && names["token"] == 1 && names["layer"] == len(byLayer) && len(computed) > 0 &&
		reasons["plan"] && reasons["hedge"] && reasons["failover"]
}
