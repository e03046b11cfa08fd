package sampler

import (
	"math"
	"strings"
	"testing"
)

func TestFilters(t *testing.T) {
	logits := []float32{0, 3, 1, 3, 2} // order: 1 3 4 2 0
	tests := []struct {
		name string
		p    Params
		want []int32
	}{
		{"all", Params{Temperature: 1}, []int32{1, 3, 4, 2, 0}},
		{"top_k keeps the first of equals", Params{Temperature: 1, TopK: 1}, []int32{1}},
		{"top_k beyond the vocabulary", Params{Temperature: 1, TopK: 50}, []int32{1, 3, 4, 2, 0}},
		{"top_p keeps the token that crosses it", Params{Temperature: 1, TopP: 0.5}, []int32{1, 3}},
		{"tiny top_p keeps one", Params{Temperature: 1, TopP: 1e-9}, []int32{1}},
		{"min_p is relative to the best", Params{Temperature: 1, MinP: 0.3}, []int32{1, 3, 4}},
		{"min_p of 1 keeps the equals", Params{Temperature: 1, MinP: 1}, []int32{1, 3}},
	}
	for _, tt := range tests {
		var got []int32
		for _, c := range candidates(logits, tt.p) {
			got = append(got, c.id)
		}
		if len(got) != len(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
		}
	}
}

func TestGreedyTakesTheLowestOfEquals(t *testing.T) {
	if got, err := Sample([]float32{1, 5, 5}, Params{}, 0, 0); got != 1 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	if _, err := Sample([]float32{1, float32(math.NaN())}, Params{}, 0, 0); err == nil {
		t.Error("a NaN was sampled")
	}
}

func TestFrequenciesFollowTheDistribution(t *testing.T) {
	logits := []float32{0, 1, 2}
	const n = 60_000
	var seen [3]float64
	for position := range n {
		token, err := Sample(logits, Params{Temperature: 1, Seed: 7}, position%3, position)
		if err != nil {
			t.Fatal(err)
		}
		seen[token]++
	}
	for token := range logits {
		lp, _ := Logprobs(logits, int32(token), 0)
		p := math.Exp(float64(lp))
		if sigma := math.Sqrt(n * p * (1 - p)); math.Abs(seen[token]-n*p) > 4*sigma {
			t.Errorf("token %d: drawn %v times, expected about %.0f", token, seen[token], n*p)
		}
	}
}

func TestDrawsDependOnSeedChoiceAndPosition(t *testing.T) {
	base := uniform(1, 0, 5)
	if uniform(1, 0, 5) != base {
		t.Error("not a function")
	}
	for name, other := range map[string]float64{
		"seed": uniform(2, 0, 5), "choice": uniform(1, 1, 5), "position": uniform(1, 0, 6), "shifted": uniform(1, 5, 0),
	} {
		if other == base {
			t.Errorf("%s does not matter", name)
		}
	}
}

func TestLogprobs(t *testing.T) {
	chosen, top := Logprobs([]float32{1, 2, 2, 0}, 3, 3)
	if len(top) != 3 || top[0].Token != 1 || top[1].Token != 2 || top[2].Token != 0 {
		t.Errorf("top %v, want 1, 2, 0", top)
	}
	sum := math.Exp(float64(chosen))
	for _, l := range top {
		sum += math.Exp(float64(l.Logprob))
	}
	if math.Abs(sum-1) > 1e-6 {
		t.Errorf("probabilities sum to %v", sum)
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	err := Params{Temperature: -1, TopP: 2, TopK: -1, MinP: math.NaN()}.Validate()
	for _, name := range []string{"temperature", "top_p", "top_k", "min_p"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
	if err := (Params{Temperature: 2, TopP: 1, TopK: 3, MinP: 1}).Validate(); err != nil {
		t.Error(err)
	}
}
