package scrape

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestMetricsReadsEverySample(t *testing.T) {
	body, status := "# HELP a Calls of a node.\n# TYPE a counter\na{node=\"expert 1\"} 3\nb 7.5\n\n", http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	defer server.Close()
	got, err := Metrics(t.Context(), server.Client(), server.URL)
	if want := map[string]float64{`a{node="expert 1"}`: 3, "b": 7.5}; err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	body = "a many\n"
	if _, err := Metrics(t.Context(), server.Client(), server.URL); err == nil {
		t.Error("a sample that is no number was read")
	}
	body, status = "a 1\n", http.StatusNotFound
	if _, err := Metrics(t.Context(), server.Client(), server.URL); err == nil {
		t.Error("an error page was read as metrics")
	}
	server.Close()
	if _, err := Metrics(t.Context(), server.Client(), server.URL); err == nil {
		t.Error("a server that does not answer has metrics")
	}
}
