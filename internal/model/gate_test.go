package model

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

func gateLogits(rows ...[]float32) tensor.Matrix {
	m := tensor.NewMatrix(len(rows), len(rows[0]))
	for i, row := range rows {
		copy(m.Row(i), row)
	}
	return m
}

func TestGateChoosesAscendingAndBreaksTiesLow(t *testing.T) {
	tests := []struct {
		logits []float32
		k      int
		want   string
	}{
		{[]float32{1, 3, 2, 0}, 2, "[1 2]"},
		{[]float32{3, 1, 0, 2}, 2, "[0 3]"},
		{[]float32{2, 2, 2, 2}, 2, "[0 1]"},
		{[]float32{-1, -5, -1, -1}, 2, "[0 2]"},
		{[]float32{0, float32(math.Copysign(0, -1)), 0, 0}, 1, "[0]"},
		{[]float32{1, 2, 3, 4}, 4, "[0 1 2 3]"},
	}
	for _, tt := range tests {
		var r moe.Routing
		if err := Gate(SoftmaxOfTopK, gateLogits(tt.logits), tt.k, &r); err != nil || fmt.Sprint(r.Experts) != tt.want {
			t.Errorf("%v, k %d: chose %v (%v), want %s", tt.logits, tt.k, r.Experts, err, tt.want)
		}
		var sum float64
		for _, w := range r.Weights {
			sum += float64(w)
		}
		if math.Abs(sum-1) > 1e-6 {
			t.Errorf("%v: weights %v sum to %v", tt.logits, r.Weights, sum)
		}
	}
}

func TestGateRefusesWhatHasNoOrder(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		var r moe.Routing
		err := Gate(SoftmaxOfTopK, gateLogits([]float32{1, 2, 3}, []float32{1, float32(bad), 3}), 2, &r)
		if err == nil || !strings.Contains(err.Error(), "row 1, expert 1") {
			t.Errorf("%v: error %v, want one that names row 1, expert 1", bad, err)
		}
	}
}

// TestGateRulesFollowTheirFormulas compares every rule with its formula in
// float64.
func TestGateRulesFollowTheirFormulas(t *testing.T) {
	logits := []float32{0.5, -1.25, 2, 1.75, -3, 0}
	chosen, all := []int{2, 3}, 0.0
	for _, v := range logits {
		all += math.Exp(float64(v))
	}
	share := func(id int) float64 { return math.Exp(float64(logits[id])) / all }
	top := share(2) + share(3)
	for rule, want := range map[GateRule][]float64{
		SoftmaxOfTopK:           {share(2) / top, share(3) / top},
		TopKOfSoftmax:           {share(2), share(3)},
		TopKOfSoftmaxNormalized: {share(2) / top, share(3) / top},
	} {
		var r moe.Routing
		if err := Gate(rule, gateLogits(logits), 2, &r); err != nil {
			t.Fatal(err)
		}
		for i, id := range chosen {
			if int(r.Experts[i]) != id || math.Abs(float64(r.Weights[i])-want[i]) > 1e-6 {
				t.Errorf("rule %d: expert %d weighs %v, want expert %d and %v", rule, r.Experts[i], r.Weights[i], id, want[i])
			}
		}
	}
}
