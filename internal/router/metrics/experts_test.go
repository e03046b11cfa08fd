package metrics

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/moe"
)

// TestExpertCounters: one per expert, or those of the busiest.
func TestExpertCounters(t *testing.T) {
	counts := func() []uint64 { return []uint64{3, 9, 5, 5} }
	for _, tt := range []struct {
		top  int
		want []string
	}{
		{0, []string{`{expert="0",layer="0"} 3`, `{expert="0",layer="1"} 5`, `{expert="1",layer="0"} 9`, `{expert="1",layer="1"} 5`}},
		{2, []string{`{expert="0",layer="1"} 5`, `{expert="1",layer="0"} 9`}},
		{9, []string{`{expert="0",layer="0"} 3`, `{expert="0",layer="1"} 5`, `{expert="1",layer="0"} 9`, `{expert="1",layer="1"} 5`}},
	} {
		m := New()
		m.Collect(Experts(counts, moe.Uniform(2, 2), tt.top))
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		var got []string
		for line := range strings.Lines(w.Body.String()) {
			if series, ok := strings.CutPrefix(strings.TrimSpace(line), "hachi_expert_rows_total"); ok {
				got = append(got, series)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("top %d: %q, want %q", tt.top, got, tt.want)
		}
	}
}
