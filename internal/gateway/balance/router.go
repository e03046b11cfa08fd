package balance

import "time"

// Router is a router as its record describes it.
type Router struct {
	ID   string
	Addr string // of its gRPC service
	// Fingerprint is of the model's content and numerics.
	Fingerprint string
	// Texts is the digest of the tokenizer and the chat template.
	Texts string
	// Context is the longest sequence that the router takes, tokens.
	Context int
	// Load is how many requests it has, running and waiting, of every gateway.
	Load int
	// Draining means that it takes no new requests.
	Draining bool
	// Strange means that its record says what cannot be so: it is sent nothing.
	Strange bool
}

// Model is what a router must serve so that a request may begin or go on there.
type Model struct {
	Fingerprint string
	Texts       string
	Context     int // tokens, at least
}

// Backoff of a router whose calls fail: it doubles with each failure in a row.
const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// state is what a Table knows of a router.
type state struct {
	Router
	suspected bool // by gossip
	// unlisted means that the record has gone without a drain: the router may have
	// died, or have lost its lease while it serves.
	unlisted bool
	running  int // requests of this gateway
	failures int // in a row
	until    time.Time
	answered bool // a probe, since the last failure
}

// load is how many requests the router has. A record is older than the gateway's own
// count.
func (s *state) load() int { return max(s.running, s.Load) }

// serves reports whether the router takes requests. One without a record does until a
// call fails.
func (s *state) serves() bool {
	return !s.Draining && !s.Strange && s.Addr != "" && !(s.unlisted && s.failures > 0)
}

// fits reports whether requests for a model may be sent to the router.
func (s *state) fits(m Model) bool {
	return s.serves() && s.Fingerprint == m.Fingerprint && s.Texts == m.Texts && s.Context >= m.Context
}

// well reports whether nothing speaks against the router. One whose calls failed must
// have answered a probe since.
func (s *state) well() bool {
	return !s.suspected && !s.unlisted && (s.failures == 0 || s.answered)
}

// fail begins a backoff. The calls that one death of a router ends are one failure:
// those within the backoff do not extend it.
func (s *state) fail(now time.Time) {
	s.answered = false
	if now.Before(s.until) {
		return
	}
	wait := min(minBackoff<<min(s.failures, 16), maxBackoff)
	s.failures++
	s.until = now.Add(wait)
}

// succeed ends the backoff.
func (s *state) succeed() { s.failures, s.until, s.answered = 0, time.Time{}, false }
