package histograms

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestExemplarsNameTraces: of sampled requests only, and for scrapers that read them.
func TestExemplarsNameTraces(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := New(registry)
	m.FirstToken(20*time.Millisecond, "0af7651916cd43dd8448eb211c80319c")
	m.NextToken(20*time.Millisecond, "")
	m.Request("ok", time.Second, "4bf92f3577b34da6a3ce929d0e0e4736")
	page := func(accept string) string {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		Handler(registry).ServeHTTP(w, r)
		return w.Body.String()
	}
	text := page("application/openmetrics-text")
	for _, want := range []string{
		`hachi_time_to_first_token_seconds_bucket{le="0.025"} 1 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 0.02`,
		`hachi_e2e_request_latency_seconds_bucket{status="ok",le="1.0"} 1 # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 1.0`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if n := strings.Count(text, TraceLabel); n != 2 {
		t.Errorf("%d exemplars of 2 sampled observations", n)
	}
	if text := page("text/plain"); strings.Contains(text, TraceLabel) || !strings.Contains(text, "hachi_inter_token_latency_seconds_count 1") {
		t.Errorf("the older format:\n%s", text)
	}
}
