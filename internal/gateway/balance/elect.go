package balance

import (
	"maps"
	"slices"
)

// Elect returns the model that a gateway serves: that of most routers, and of those the
// one that comes first. Its context is the shortest of its routers, so that an answer
// may go on at each of them. ok is false without a router that takes requests.
func (t *Table) Elect() (m Model, ok bool) {
	votes := map[string][]int{} // contexts by fingerprint
	for _, s := range t.routers {
		if s.serves() {
			votes[s.Fingerprint] = append(votes[s.Fingerprint], s.Context)
		}
	}
	for _, fingerprint := range slices.Sorted(maps.Keys(votes)) {
		if contexts := votes[fingerprint]; len(contexts) > len(votes[m.Fingerprint]) {
			m, ok = Model{fingerprint, slices.Min(contexts)}, true
		}
	}
	return m, ok
}
