package balance

import (
	"fmt"
	"maps"
	"slices"
)

// Elect returns the model of a fingerprint as a gateway with a digest of texts serves it.
// Its context is the longest that at least half of the routers with both take, so that no
// single one of them decides, whatever it says. ok is false without such a router that
// takes requests.
func (t *Table) Elect(fingerprint, texts string) (m Model, ok bool) {
	var contexts []int
	for _, s := range t.routers {
		if s.serves() && s.Fingerprint == fingerprint && s.Texts == texts {
			contexts = append(contexts, s.Context)
		}
	}
	if len(contexts) == 0 {
		return m, false
	}
	slices.Sort(contexts)
	return Model{fingerprint, texts, contexts[len(contexts)/2]}, true
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
	return fmt.Sprintf("each router drains, has no placement, or is passed over: %q", slices.Sorted(maps.Keys(t.routers)))
}
