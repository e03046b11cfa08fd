package serve

import (
	"bytes"
	"os"
	"testing"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// TestThePlotIsDrawn: every line and label is where it was.
func TestThePlotIsDrawn(t *testing.T) {
	var reports []Report
	for i := range 5 {
		v := float64(i*i + 1)
		q := measure.Latency{P50: 3.7 * v, P90: 9.1 * v, P99: 31.3 * v}
		reports = append(reports, Report{Rate: 0.7 * v, Goodput: 0.6 * v, First: q, Gap: measure.Latency{P50: v / 7}, Total: measure.Latency{P99: 1e4 * v}})
	}
	want, err := os.ReadFile("testdata/plot.svg")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := WritePlot(&got, reports); err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("not testdata/plot.svg, %v:\n%s", err, &got)
	}
}
