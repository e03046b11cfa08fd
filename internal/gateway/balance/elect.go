package balance

import (
	"fmt"
	"maps"
	"slices"
)

// Elect returns the model that a gateway with a digest of texts serves: that of most
// routers with the same texts, and of those the one that comes first. Its context is the
// shortest of its routers, so that an answer may go on at each of them. ok is false
// without such a router that takes requests.
func (t *Table) Elect(texts string) (m Model, ok bool) {
	votes := map[string][]int{} // contexts by fingerprint
	for _, s := range t.routers {
		if s.serves() && s.Texts == texts {
			votes[s.Fingerprint] = append(votes[s.Fingerprint], s.Context)
		}
	}
	for _, fingerprint := range slices.Sorted(maps.Keys(votes)) {
		if contexts := votes[fingerprint]; len(contexts) > len(votes[m.Fingerprint]) {
			m, ok = Model{fingerprint, texts, slices.Min(contexts)}, true
		}
	}
	return m, ok
}

// Serving are the routers that take requests, by name.
func (t *Table) Serving() (out []Router) {
	for _, id := range slices.Sorted(maps.Keys(t.routers)) {
		if s := t.routers[id]; s.serves() {
			out = append(out, s.Router)
		}
	}
	return out
}

// Obstacle says why no router takes requests for a model; "" if one does. The zero
// Model is any.
func (t *Table) Obstacle(m Model) string {
	if len(t.routers) == 0 {
		return "no router is registered"
	}
	others := 0
	for _, s := range t.routers {
		switch {
		case s.serves() && (m == (Model{}) || s.fits(m)):
			return ""
		case s.serves():
			others++
		}
	}
	if others > 0 {
		return fmt.Sprintf("the routers that take requests, %d of %d, serve another model, or less context", others, len(t.routers))
	}
	return fmt.Sprintf("each router drains, or has no placement: %q", slices.Sorted(maps.Keys(t.routers)))
}
