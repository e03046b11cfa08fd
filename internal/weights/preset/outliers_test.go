package preset

import (
	"math"
	"testing"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

// Scaled channels meet their inverse, so that they change no answer.
func TestScalesOfChannelsCancel(t *testing.T) {
	small, err := Describe("small")
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]generator{}
	for _, s := range checkpoint.Layout(small.Config) {
		made[string(s.Role)] = newGenerator(Options{Config: small.Config, Seed: 1, Outliers: true}, s)
	}
	cancel := func(what string, a, b []int8) {
		t.Helper()
		loud, heavy := 0, 0
		for c, e := range a {
			if e+b[c] != 0 {
				t.Fatalf("%s: channel %d is scaled by 2^%d and 2^%d", what, c, e, b[c])
			}
			if e > 0 {
				loud++
			} else if e < 0 {
				heavy++
			}
		}
		if expected := len(a) / channelRarity; loud < expected/3 || loud > 3*expected || heavy < expected/3 || heavy > 3*expected {
			t.Errorf("%s: %d channels are loud and %d heavy of %d", what, loud, heavy, len(a))
		}
	}
	for _, name := range []string{"q", "k", "v"} {
		cancel(name, made["input_norm"].column, made[name].column)
	}
	for _, name := range []string{"gate", "w1", "w3"} {
		cancel(name, made["post_norm"].column, made[name].column)
	}
	cancel("head", made["norm"].column, made["head"].column)
	cancel("w2", made["w3"].row, made["w2"].column)
	for _, name := range []string{"embed", "o"} {
		if g := made[name]; g.row != nil || g.column != nil || !g.heavy {
			t.Errorf("%s has scaled channels, or light tails", name)
		}
	}
}

func TestTailsAreHeavyAtTheSameSpread(t *testing.T) {
	cfg := All()[0].Config
	g := newGenerator(Options{Config: cfg, Seed: 7, Outliers: true}, checkpoint.Layout(cfg)[0]) // the embedding, deviation 1
	const n = 1 << 18
	var squares, fourth float64
	for i := range uint64(n) {
		v := float64(g.value(i))
		squares, fourth = squares+v*v, fourth+v*v*v*v
	}
	if spread, kurtosis := math.Sqrt(squares/n), fourth*n/(squares*squares); math.Abs(spread-1) > 0.02 || kurtosis < 9 {
		t.Errorf("spread %.3f, want 1; kurtosis %.1f, want about 11", spread, kurtosis)
	}
}
