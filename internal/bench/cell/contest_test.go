package cell

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// contest is one of some options, with the rates of their rounds.
func contest(rates ...[]float64) Contest {
	c := Contest{
		Version: Version, Config: json.RawMessage("{}"), Machine: Machine{Cores: 2}, Limits: Limits{Stream: 40, FMA: 200}, Nodes: []string{"a", "b"}, Sequences: 4,
	}
	for _, r := range rates {
		c.Options = append(c.Options, Option{Policy: "column", Replicas: 1, Rates: r})
	}
	return c
}

func TestOptionsNearTheBestTieWithIt(t *testing.T) {
	for _, test := range []struct {
		name  string
		rates [][]float64
		best  int
		ties  []int
	}{
		{"alone", [][]float64{{10}, {20}, {15}}, 1, []int{1}},
		{"within three percent", [][]float64{{97.5}, {100}, {96.5}}, 1, []int{0, 1}},
		// The machine is faster in some rounds: only options of one round are compared.
		{"by rounds", [][]float64{{50, 100, 200}, {49, 99, 198}, {40, 99, 150}}, 0, []int{0, 1}},
	} {
		c := contest(test.rates...)
		if c.Best() != test.best || !slices.Equal(c.Ties(), test.ties) {
			t.Errorf("%s: best %d, ties %v, want %d and %v", test.name, c.Best(), c.Ties(), test.best, test.ties)
		}
	}
	c := contest([]float64{80, 150}, []float64{100, 200})
	if loss := c.Loss(0); loss < 0.224 || loss > 0.226 || c.Loss(1) != 0 {
		t.Errorf("losses %g and %g, want 0.225 and 0", loss, c.Loss(1))
	}
}

func TestFaultsOfAContestNameItsFields(t *testing.T) {
	for want, change := range map[string]func(*Contest){
		"version 2": func(c *Contest) { c.Version = 2 }, "nodes: 0": func(c *Contest) { c.Nodes = nil }, "cores: 1 numbers of 2 nodes": func(c *Contest) { c.Cores = []float64{1} },
		"options[1].tokens_per_s: -1": func(c *Contest) { c.Options[1].Rates[0] = -1 }, "2 rounds, 1 of the first": func(c *Contest) { c.Options[1].Rates = []float64{1, 2} },
		"": func(*Contest) {},
	} {
		c := contest([]float64{1}, []float64{2})
		change(&c)
		raw, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "one.json")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := ReadContests(filepath.Dir(path))
		if want == "" && (len(all) != 1 || all[0].Name != "one") {
			t.Errorf("%+v", all)
		}
		if (want == "") != (err == nil) || err != nil && !(strings.Contains(err.Error(), "one.json: ") && strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
