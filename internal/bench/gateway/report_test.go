package gateway

import (
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/report"
)

// TestTheCostIsOfTheRounds and not of the medians of each side.
func TestTheCostIsOfTheRounds(t *testing.T) {
	router, gateway := &side{first: []float64{10, 20, 30}, rate: []float64{100, 50, 10}}, &side{first: []float64{12, 21, 30.5}, rate: []float64{98, 45, 10}}
	r := reportOf(Config{Prompt: 7, Streams: 64}, router, gateway)
	if r.Added != 1 || r.Ratio != 0.98 || r.Rounds != 3 {
		t.Errorf("%+v", r)
	}
	var out strings.Builder
	if err := report.Print(&out, r, false); err != nil || !strings.Contains(out.String(), "adds 1.00 ms to the first token and takes 2.0 % of the throughput") {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestValidateTellsEverything(t *testing.T) {
	err := Config{}.Validate()
	for _, want := range []string{"rounds", "singles", "streams", "prompt tokens", "answer tokens", "a turn of 0s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	if err := (Config{Rounds: 1, Singles: 1, Streams: 1, Prompt: 1, Answer: 1, Turn: time.Second}).Validate(); err != nil {
		t.Error(err)
	}
}
