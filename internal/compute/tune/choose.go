package tune

import (
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
)

const (
	// gain is how many times faster than the default another variant must be, both
	// in the median and at its best: other programs slow some rounds of either.
	gain = 1.03
	// behind is how many times slower than the default a variant is, at its best, that
	// gets no further round.
	behind = 1.1
	// minRounds, finalRounds and maxRounds bound the repetitions, the second in a
	// final; the first round, which warms up, is not one of them.
	minRounds, finalRounds, maxRounds = 2, 6, 100
)

// trial computes a product once and says how long it took. whole is the time with
// all preparations, which counts against the budget.
type trial func(k *kernel.Kernels, p kernel.Product) (took, whole time.Duration)

// contest is one product and the kernels that may compute it, the default first.
type contest struct {
	product kernel.Product
	names   []string
	kernels []*kernel.Kernels
	times   [][]time.Duration
}

// contests lists the products of which there is more than one variant.
func contests(k *kernel.Kernels) ([]*contest, error) {
	var out []*contest
	for _, p := range k.Products() {
		names := k.Variants(p)
		if len(names) < 2 {
			continue
		}
		c := &contest{product: p, names: names, times: make([][]time.Duration, len(names))}
		for _, name := range names {
			one, err := k.With(map[kernel.Product]string{p: name})
			if err != nil {
				return nil, err
			}
			c.kernels = append(c.kernels, one)
		}
		out = append(out, c)
	}
	return out, nil
}

// choose runs all contests, round after round, until another round would exceed
// the budget, but at least a few rounds, and returns the winners and the time that it
// took.
func choose(all []*contest, try trial, budget time.Duration, minimum int) (picks []Pick, took time.Duration) {
	var last time.Duration
	for round := 0; round <= maxRounds && (round <= minimum || took+last <= budget); round++ {
		last = 0
		for _, c := range all {
			for i := range c.names {
				i = (i + round) % len(c.names) // no variant is always the first
				if c.settled(i) {
					continue
				}
				one, whole := try(c.kernels[i], c.product)
				if last += whole; round > 0 {
					c.times[i] = append(c.times[i], one)
				}
			}
		}
		took += last
	}
	for _, c := range all {
		picks = append(picks, c.winner())
	}
	return picks, took
}

// decide is choose, and then once more between the defaults and what was faster:
// among many contests, noise by itself makes some winners.
func decide(all []*contest, try trial, budget time.Duration) []Pick {
	picks, took := choose(all, try, budget/2, minRounds)
	var finals []*contest
	var at []int
	for i, p := range picks {
		if final := all[i].final(p.Variant); final != nil {
			finals, at = append(finals, final), append(at, i)
		}
	}
	if len(finals) == 0 {
		return picks
	}
	again, _ := choose(finals, try, budget-took, finalRounds)
	for i, p := range again {
		picks[at[i]].Variant = p.Variant
	}
	return picks
}

// final is the contest of the default and one other; nil if it is the default.
func (c *contest) final(winner string) *contest {
	i := slices.Index(c.names, winner)
	if i <= 0 {
		return nil
	}
	return &contest{c.product, []string{c.names[0], winner}, []*kernel.Kernels{c.kernels[0], c.kernels[i]}, make([][]time.Duration, 2)}
}

// settled reports whether a variant needs no further round: one that is behind, or
// the default when all others are.
func (c *contest) settled(i int) bool {
	if i == 0 {
		for other := 1; other < len(c.names); other++ {
			if !c.settled(other) {
				return false
			}
		}
		return true
	}
	return len(c.times[0]) > 0 && len(c.times[i]) > 0 && float64(slices.Min(c.times[i])) > behind*float64(median(c.times[0]))
}

// winner is the variant of the fastest median, or the default if none is faster by
// gain.
func (c *contest) winner() Pick {
	p := Pick{Product: c.product.String(), Variant: c.names[0]}
	for i, name := range c.names {
		p.Times = append(p.Times, Time{name, float64(median(c.times[i]).Nanoseconds()) / 1e3})
	}
	best, least := p.Times[0].Micros/gain, float64(slices.Min(c.times[0]))/gain
	for i, t := range p.Times {
		if t.Micros < best && float64(slices.Min(c.times[i])) < least {
			best, p.Variant = t.Micros, t.Variant
		}
	}
	return p
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
