package share

import (
	"bytes"
	"strings"
	"testing"
)

// TestReportHasTheMediansOfTheRounds: fairness and oversubscription are those of a round.
func TestReportHasTheMediansOfTheRounds(t *testing.T) {
	c := Config{Rounds: 3}
	turns := map[Scene][]turn{
		Alone: {{rates: []float64{100}, all: Demand{2, 1}, computing: Demand{1, 0}}},
		Shared: {
			{rates: []float64{40, 50}, all: Demand{2, 4}, computing: Demand{1.5, 0.5}},
			{rates: []float64{60, 30}, all: Demand{1, 3}, computing: Demand{1.0, 0.5}},
			{rates: []float64{50, 40}, all: Demand{3, 5}, computing: Demand{2.0, 0.6}},
		},
	}
	r := reportOf(c, 2, []Scene{Alone, Shared}, turns)
	if one := r.Results[0]; one.Fairness != 1 || one.AllOver != 1.5 || one.ComputingOver != 0.5 || len(one.TokensPerS) != 1 {
		t.Errorf("one cluster: %+v", one)
	}
	two := r.Results[1]
	if two.Fairness != 0.8 || two.AllOver != 3 || two.ComputingOver != 1 || two.All != (Demand{2, 4}) || two.TokensPerS[0] != 50 || two.TokensPerS[1] != 40 {
		t.Errorf("two clusters: %+v", two)
	}
	var out bytes.Buffer
	r.WriteText(&out)
	if want := "two, one budget of cores\t[50.0 40.0]\t0.80\t1.50\t0.50\t1.00\t2.00\t4.00\t3.00\t\n"; !strings.Contains(out.String(), want) {
		t.Errorf("%q lacks %q", &out, want)
	}
}

func TestFaultsOfAConfigurationAreNamed(t *testing.T) {
	err := Config{Streams: 1, Prompt: 1, Answer: 1, Settle: -1}.Validate()
	for _, want := range []string{"0 rounds", "-1ns to settle, then 0s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
