package calibrate

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/bench/cell"
)

// contestOf is one of two nodes, of which the second has four times the CPU time, without
// rates.
func contestOf() cell.Contest {
	uniform := []float64{1, 1, 1, 1, 1, 1, 1, 1}
	c := cell.Contest{
		Name: "c", Config: json.RawMessage(config), Machine: cell.Machine{Cores: 2}, Limits: cell.Limits{Stream: 40, CoreStream: 25, FMA: 200}, Nodes: []string{"a", "b"},
		Cores: []float64{0.2, 0.8}, NodeThreads: 1, RouterThreads: 2, Sequences: 16, Context: 8, Routing: [][]float64{uniform, uniform},
	}
	for _, policy := range []string{"column", "balanced"} {
		for _, n := range []int{1, 2} {
			c.Options = append(c.Options, cell.Option{Policy: policy, Replicas: n, MicroBatches: 1})
		}
	}
	return c
}

// TestTheBestOptionOfAContestIsFound: where the measured rates are those of the simulation,
// which is slower where the slow node has half of the experts.
func TestTheBestOptionOfAContestIsFound(t *testing.T) {
	f, err := initial(benchmarks())
	if err != nil {
		t.Fatal(err)
	}
	c := contestOf()
	rates, err := f.contest(&c, 200)
	if err != nil {
		t.Fatal(err)
	}
	if rates[2] < 1.2*rates[0] {
		t.Errorf("balanced decodes %.1f tokens/s, column %.1f", rates[2], rates[0])
	}
	for i := range c.Options {
		c.Options[i].Rates = []float64{rates[i]}
	}
	all, err := f.decideAll([]cell.Contest{c}, 200)
	if err != nil {
		t.Fatal(err)
	}
	if d := all[0]; !d.Same || d.Loss != 0 || d.Measured != d.Simulated || d.Options != 4 {
		t.Errorf("%+v", d)
	}
}

func TestALossIsMeasured(t *testing.T) {
	c := contestOf()
	for i, rate := range []float64{50, 100, 96, 80} {
		c.Options[i].Rates = []float64{rate}
	}
	r := Report{Contests: []Decided{decided(&c, []float64{1, 2, 3, 1}), decided(&c, []float64{1, 3, 2, 1})}}
	if d := r.Contests[0]; d.Same || d.Ties != 1 || d.Measured != "column r2 m1" || d.Simulated != "balanced r1 m1" || d.Loss < 0.039 || d.Loss > 0.041 {
		t.Errorf("%+v", d)
	}
	var out bytes.Buffer
	r.WriteText(&out)
	if want := "the same in 1 of 2 contests; the others lose 4.0 % at most"; !strings.Contains(out.String(), want) {
		t.Errorf("%s: want %q", &out, want)
	}
}

func TestThePlainestOfEqualOptionsIsChosen(t *testing.T) {
	for _, test := range []struct {
		rates []float64
		want  int
	}{{[]float64{98, 99.5, 100}, 1}, {[]float64{100, 99.5}, 0}, {[]float64{90, 100, 99.9}, 1}} {
		if got := choose(test.rates); got != test.want {
			t.Errorf("of %v option %d is chosen, want %d", test.rates, got, test.want)
		}
	}
}
