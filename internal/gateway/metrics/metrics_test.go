package metrics

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/gateway/remote"
)

// TestMetrics shows every one under its name.
func TestMetrics(t *testing.T) {
	m := New(func() remote.Load {
		return remote.Load{Running: map[string]int{"router-0": 3, "router-1": 0}, Suspected: map[string]bool{"router-1": true}, Waiting: 7}
	})
	m.Moved("failed")
	m.Moved("failed")
	m.Drawn(5)
	m.Stalled(remote.Stall{Noticing: 100 * time.Millisecond, Drawing: 200 * time.Millisecond})
	m.FirstToken(time.Millisecond, "")
	m.NextToken(time.Millisecond, "")
	m.Request("ok", time.Second, "")
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`hachi_gateway_answers_running{router="router-0"} 3`, `hachi_gateway_answers_running{router="router-1"} 0`, "hachi_gateway_queue_length 7",
		`hachi_gateway_router_suspected{router="router-0"} 0`, `hachi_gateway_router_suspected{router="router-1"} 1`,
		`hachi_gateway_answers_moved_total{reason="failed"} 2`, `hachi_gateway_stall_seconds_bucket{le="0.5"} 1`, `hachi_gateway_stall_seconds_bucket{le="0.25"} 0`,
		`hachi_gateway_stall_part_seconds_total{part="noticing"} 0.1`, `hachi_gateway_stall_part_seconds_total{part="waiting"} 0`,
		`hachi_gateway_stall_part_seconds_total{part="asking"} 0`, `hachi_gateway_stall_part_seconds_total{part="drawing"} 0.2`,
		"hachi_generation_tokens_total 5", "hachi_time_to_first_token_seconds_count 1", "hachi_inter_token_latency_seconds_count 1", `hachi_e2e_request_latency_seconds_count{status="ok"} 1`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in\n%s", want, w.Body)
		}
	}
}
