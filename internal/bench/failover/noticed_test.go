package failover

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestMetric(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "# TYPE a counter\na{node=\"expert-10\"} 5\na{node=\"expert-1\"} 3\nab{node=\"expert-1\"} 7\n")
	}))
	defer server.Close()
	for node, want := range map[string]float64{"expert-1": 3, "expert-10": 5, "expert-2": 0} {
		got, err := metric(t.Context(), server.URL, "a", node)
		if err != nil || got != want {
			t.Errorf("%s: %g, %v, want %g", node, got, err, want)
		}
	}
	server.Close()
	if _, err := metric(t.Context(), server.URL, "a", "n"); err == nil {
		t.Error("a router that does not answer has metrics")
	}
}

func TestValidateTellsEverything(t *testing.T) {
	err := Config{Fault: "rust", Streams: 0, Tokens: settled}.Validate()
	for _, want := range []string{`"rust"`, "0 streams of 4 tokens", "needs a duration"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	if err := (Config{Fault: Drop, StopFor: time.Second, Streams: 1, Tokens: settled + 1, Repeat: 1}).Validate(); err != nil {
		t.Error(err)
	}
}
