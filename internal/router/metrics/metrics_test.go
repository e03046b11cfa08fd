package metrics

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTheProcessIsMeasured(t *testing.T) {
	w := httptest.NewRecorder()
	New().Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, name := range []string{"go_goroutines", "go_memstats_heap_alloc_bytes", "go_gc_gomemlimit_bytes", "process_resident_memory_bytes", "process_cpu_seconds_total"} {
		if !strings.Contains(w.Body.String(), "\n"+name+" ") {
			t.Errorf("no %s", name)
		}
	}
}
