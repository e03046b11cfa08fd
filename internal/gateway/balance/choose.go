package balance

import (
	"slices"
	"strings"
	"time"
)

// bound is how much more than the mean a router may have: 1 + ε of the paper.
const bound = 1.25

// Choose returns the router for a request, or that there is none now. avoid are
// routers that have refused the request.
func (t *Table) Choose(now time.Time, m Model, p Prefix, avoid map[string]bool) (Router, bool) {
	var well, doubtful []*state
	for id, s := range t.routers {
		switch {
		case !s.fits(m) || avoid[id] || now.Before(s.until):
		case s.well():
			well = append(well, s)
		default:
			doubtful = append(doubtful, s)
		}
	}
	for _, tier := range [][]*state{well, doubtful} {
		if len(tier) > 0 {
			return t.within(tier, p).Router, true
		}
	}
	return Router{}, false
}

// within returns the first router within the bound: that of the longest known prefix,
// then in the order of rendezvous hashing.
func (t *Table) within(tier []*state, p Prefix) *state {
	most := capacity(total(tier)+1, len(tier)) // with this request
	room := func(s *state) bool { return s.load() < most }
	known := t.sent.longest(p, func(id string) bool {
		return slices.ContainsFunc(tier, func(s *state) bool { return s.ID == id })
	})
	slices.SortFunc(tier, func(a, b *state) int {
		switch x, y := weight(p.head, a.ID), weight(p.head, b.ID); {
		case (a.ID == known) != (b.ID == known):
			return order(a.ID == known)
		case x != y:
			return order(x > y)
		}
		return strings.Compare(a.ID, b.ID)
	})
	// The mean is below the bound, so at least one router has room.
	return tier[slices.IndexFunc(tier, room)]
}

// headroom is how many requests more than every other a router may say that it has.
const headroom = 8

// total is how many requests the routers have. What the busiest of them says beyond what
// the others make likely does not count, unless this gateway has sent it: it would leave the
// others without a bound.
func total(tier []*state) (sum int) {
	busiest, second := tier[0], 0
	for _, s := range tier[1:] {
		if s.load() > busiest.load() {
			busiest, s = s, busiest
		}
		second = max(second, s.load())
		sum += s.load()
	}
	likely := busiest.load()
	if len(tier) > 1 {
		likely = min(likely, max(busiest.running, second+headroom))
	}
	return sum + likely
}

// capacity is how many of sum requests one of n routers may have:
// ceil(bound · sum / n).
func capacity(sum, n int) int {
	const percent = bound * 100
	return (sum*int(percent) + 100*n - 1) / (100 * n)
}

// order is -1 if the first comes first.
func order(first bool) int {
	if first {
		return -1
	}
	return 1
}
