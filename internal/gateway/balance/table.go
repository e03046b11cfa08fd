package balance

import (
	"maps"
	"time"
)

// Table is what a gateway knows of its routers. The zero value has none.
type Table struct {
	routers map[string]*state
	sent    memory
	// suspects are the routers that gossip suspects, also those without a record.
	suspects map[string]bool
}

// Update replaces the records. A router keeps what was seen of its calls while its
// address stays the same; another address is another process.
func (t *Table) Update(records []Router) {
	next := make(map[string]*state, len(records))
	for _, r := range records {
		s := &state{Router: r, suspected: t.suspects[r.ID]}
		if old := t.routers[r.ID]; old != nil {
			s.running = old.running
			if old.Addr == r.Addr {
				s.failures, s.until, s.answered = old.failures, old.until, old.answered
			}
		}
		next[r.ID] = s
	}
	for id, old := range t.routers {
		if next[id] == nil {
			old.unlisted = true
			next[id] = old
		}
	}
	t.routers = next
	t.forget()
}

// forget removes the routers that have no record, take no requests and run none.
func (t *Table) forget() {
	maps.DeleteFunc(t.routers, func(_ string, s *state) bool { return s.unlisted && !s.serves() && s.running == 0 })
}

// Suspect notes what gossip says of a router.
func (t *Table) Suspect(id string, suspected bool) {
	if t.suspects == nil {
		t.suspects = map[string]bool{}
	}
	delete(t.suspects, id)
	if suspected {
		t.suspects[id] = true
	}
	if s := t.routers[id]; s != nil {
		s.suspected = suspected
	}
}

// Begin counts a request that is sent to a router.
func (t *Table) Begin(id string, p Prefix) {
	if s := t.routers[id]; s != nil {
		s.running++
		t.sent.add(p, id)
	}
}

// End counts the end of a request.
func (t *Table) End(id string) {
	if s := t.routers[id]; s != nil && s.running > 0 {
		s.running--
		t.forget()
	}
}

// Failed notes a call that ended because the router, or the way to it, failed.
func (t *Table) Failed(id string, now time.Time) {
	if s := t.routers[id]; s != nil {
		s.fail(now)
	}
}

// Worked notes that a router answered.
func (t *Table) Worked(id string) {
	if s := t.routers[id]; s != nil {
		s.succeed()
	}
}

// Failing returns a router whose last calls failed, and when a probe may ask it; ok is
// false for a router that has not failed, has answered since, or takes no requests.
func (t *Table) Failing(id string) (r Router, at time.Time, ok bool) {
	s := t.routers[id]
	if s == nil || s.failures == 0 || s.answered || !s.serves() {
		return r, at, false
	}
	return s.Router, s.until, true
}

// Answered notes that a router has answered a probe.
func (t *Table) Answered(id string) {
	if s := t.routers[id]; s != nil {
		s.answered = true
	}
}

// Leaves reports whether a router drains and another can go on with its answers.
func (t *Table) Leaves(id string, m Model) bool {
	s := t.routers[id]
	if s == nil || !s.Draining {
		return false
	}
	for _, other := range t.routers {
		if other.fits(m) && other.well() {
			return true
		}
	}
	return false
}

// Left reports whether any router but these takes requests for a model, now or after
// its backoff.
func (t *Table) Left(m Model, avoid map[string]bool) bool {
	for id, s := range t.routers {
		if s.fits(m) && !avoid[id] {
			return true
		}
	}
	return false
}

// Running is how many requests of this gateway each router has.
func (t *Table) Running() map[string]int {
	out := make(map[string]int, len(t.routers))
	for id, s := range t.routers {
		out[id] = s.running
	}
	return out
}

// Suspected says of each router whether something speaks against it.
func (t *Table) Suspected() map[string]bool {
	out := make(map[string]bool, len(t.routers))
	for id, s := range t.routers {
		out[id] = !s.well()
	}
	return out
}

// NextTry is when the first router that fits a model may be tried again; zero if there
// is none to wait for.
func (t *Table) NextTry(m Model) time.Time {
	var first time.Time
	for _, s := range t.routers {
		if s.fits(m) && (first.IsZero() || s.until.Before(first)) {
			first = s.until
		}
	}
	return first
}
