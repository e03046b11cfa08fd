package tune

import (
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
)

// script is a trial that says how long each variant takes, in order of its rounds;
// the last time stays.
type script map[string][]time.Duration

// contestOf has variants a, b and c, which differ by their kernels only.
func contestOf(t *testing.T, times script) (*contest, trial) {
	t.Helper()
	c := &contest{product: kernel.Go().Products()[0], names: []string{"a", "b", "c"}, times: make([][]time.Duration, 3)}
	of, runs := map[*kernel.Kernels]string{}, map[string]int{}
	for _, name := range c.names {
		k := kernel.Go()
		c.kernels, of[k] = append(c.kernels, k), name
	}
	return c, func(k *kernel.Kernels, _ kernel.Product) (took, whole time.Duration) {
		name := of[k]
		list := times[name]
		took = list[min(runs[name], len(list)-1)]
		runs[name]++
		return took, took + time.Microsecond
	}
}

func TestTheFastestVariantWins(t *testing.T) {
	us := func(all ...time.Duration) (out []time.Duration) {
		for _, v := range all {
			out = append(out, v*time.Microsecond)
		}
		return out
	}
	for name, tt := range map[string]struct {
		times script
		want  string
	}{
		"equal":                              {script{"a": us(100), "b": us(100), "c": us(100)}, "a"},
		"a little faster is noise":           {script{"a": us(100), "b": us(98), "c": us(99)}, "a"},
		"faster by more than the noise":      {script{"a": us(100), "b": us(96), "c": us(97)}, "b"},
		"the fastest of two":                 {script{"a": us(100), "b": us(90), "c": us(80)}, "c"},
		"slower":                             {script{"a": us(100), "b": us(120), "c": us(300)}, "a"},
		"the warm-up does not count":         {script{"a": us(900, 100), "b": us(900, 110), "c": us(1, 110)}, "a"},
		"one slow round does not count":      {script{"a": us(100), "b": us(100, 80, 900, 80), "c": us(100)}, "b"},
		"one lucky round does not count":     {script{"a": us(100), "b": us(100, 20, 100), "c": us(100)}, "a"},
		"slow medians, but the same at best": {script{"a": us(1, 100, 130, 130, 130), "b": us(100), "c": us(100)}, "a"},
		"the default may have a slow time":   {script{"a": us(100, 100, 700, 100), "b": us(99), "c": us(99)}, "a"},
	} {
		c, try := contestOf(t, tt.times)
		picks, _ := choose([]*contest{c}, try, 10*time.Millisecond, minRounds)
		if len(picks) != 1 || picks[0].Variant != tt.want {
			t.Errorf("%s: %+v, want %s", name, picks, tt.want)
		}
	}
}

func TestRoundsFollowTheBudget(t *testing.T) {
	for _, tt := range []struct {
		budget time.Duration
		rounds int
	}{{0, minRounds}, {time.Second, maxRounds}, {2 * time.Millisecond, 5}} {
		c, try := contestOf(t, script{"a": {108 * time.Microsecond}, "b": {109 * time.Microsecond}, "c": {110 * time.Microsecond}})
		_, took := choose([]*contest{c}, try, tt.budget, minRounds) // 330 us a round
		if got := len(c.times[0]); got != tt.rounds {
			t.Errorf("budget %v: %d rounds, want %d", tt.budget, got, tt.rounds)
		}
		if want := time.Duration(tt.rounds+1) * 330 * time.Microsecond; took != want {
			t.Errorf("budget %v: took %v, want %v", tt.budget, took, want)
		}
	}
}

func TestVariantsThatAreBehindGetNoFurtherRound(t *testing.T) {
	us := time.Microsecond
	for name, tt := range map[string]struct {
		b, c time.Duration
		want [3]int // rounds
	}{
		"none":  {105 * us, 95 * us, [3]int{4, 4, 4}},
		"one":   {120 * us, 95 * us, [3]int{4, 1, 4}},
		"both":  {120 * us, 300 * us, [3]int{1, 1, 1}},
		"equal": {110 * us, 110 * us, [3]int{4, 4, 4}},
	} {
		c, try := contestOf(t, script{"a": {100 * us}, "b": {tt.b}, "c": {tt.c}})
		choose([]*contest{c}, try, 0, 4)
		if got := [3]int{len(c.times[0]), len(c.times[1]), len(c.times[2])}; got != tt.want {
			t.Errorf("%s: %v rounds, want %v", name, got, tt.want)
		}
	}
}

func TestAWinnerMustWinTwice(t *testing.T) {
	us := time.Microsecond
	// The first choice has minRounds rounds after its warm-up, then comes the final.
	lucky := script{"a": {100 * us}, "b": {100 * us, 80 * us, 80 * us, 100 * us}, "c": {100 * us}}
	for name, want := range map[string]string{"lucky": "a", "faster": "b"} {
		times := lucky
		if name == "faster" {
			times = script{"a": {100 * us}, "b": {90 * us}, "c": {95 * us}}
		}
		c, try := contestOf(t, times)
		if picks := decide([]*contest{c}, try, 0); picks[0].Variant != want || len(picks[0].Times) != 3 {
			t.Errorf("%s: %+v, want %s and three times", name, picks, want)
		}
	}
}

func TestContestsAreProductsWithAChoice(t *testing.T) {
	if all, err := contests(kernel.Go()); err != nil || len(all) != 0 {
		t.Errorf("the reference has no variants: %v, %v", all, err)
	}
	for _, k := range kernel.Available() {
		all, err := contests(k)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			for i, name := range c.names {
				if got := c.kernels[i].Variant(c.product); got != name {
					t.Errorf("%s, %v: %s competes as %s", k.Name(), c.product, got, name)
				}
			}
		}
	}
}
