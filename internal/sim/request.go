package sim

import (
	"math"
	"time"

	"github.com/hachi-serve/hachi/internal/gateway/balance"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/sim/trace"
)

// request is one request of the trace on its way through the cluster.
type request struct {
	world  *world
	id     uint64
	blocks []uint64
	scale  float64 // of the trace's tokens
	prompt int     // tokens
	answer int     // tokens wanted

	arrived  time.Duration
	last     time.Duration // of its last token
	answered int           // tokens that the client has
	longest  time.Duration // gap that ends after the first fault
	came     Answer        // if they are kept
	resumed  int           // times it went on at another router
	outcome  outcome

	prefix balance.Prefix
	avoid  map[string]bool // routers that refused it
	at     string          // the router that has it, as the gateway knows it; "" is none

	// At its router.
	router  *router
	seq     *scheduler.Sequence
	known   int // tokens it came with
	started bool
}

// outcome is how a request ended.
type outcome int

const (
	unfinished outcome = iota
	completed
	rejected // every queue was full
	tooLong  // its prompt fills the context
	lost     // its router died, and no gateway goes on elsewhere
)

// newRequest scales a request of a trace to the cluster.
func (w *world) newRequest(id int, t trace.Request) *request {
	spec := w.scenario.Routers
	scaled := func(tokens int) int { return max(1, int(math.Round(float64(tokens)*spec.TokenScale))) }
	q := &request{world: w, id: uint64(id), blocks: t.Blocks, scale: spec.TokenScale, prompt: scaled(t.Prompt), answer: scaled(t.Answer)}
	if room := spec.MaxContext - q.prompt; room > 0 && q.answer > room {
		q.answer = room
		w.stats.shortened++
	}
	return q
}

// tokens are those that the request comes with: the prompt and the answer so far.
func (q *request) tokens() []int32 {
	out := make([]int32, q.prompt+q.answered, q.prompt+q.answer)
	for i := range out {
		out[i] = q.token(i)
	}
	return out
}

// token is the one at a position. Prompts have the same tokens where the trace says that
// they are alike, and others where it does not.
func (q *request) token(position int) int32 {
	content := q.id | 1<<63
	if block := int(float64(position) / q.scale / trace.BlockTokens); position < q.prompt && block < len(q.blocks) {
		content = q.blocks[block]
	}
	z := content*0x9e3779b97f4a7c15 + uint64(position)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int32((z ^ z>>31) & math.MaxInt32)
}

// emit gives the client one token, and reports whether the answer is complete.
func (q *request) emit(now time.Duration) bool {
	stats := &q.world.stats
	if q.answered == 0 {
		stats.first = append(stats.first, now-q.arrived)
	} else {
		q.gap(now - q.last)
	}
	q.answered++
	if q.world.keep {
		q.came = append(q.came, now)
	}
	if u := q.world.users; u != nil {
		u.began(q.answered)
	}
	q.last = now
	stats.token(now - q.world.start)
	return q.answered == q.answer
}

// finish ends a request.
func (w *world) finish(q *request, how outcome) {
	if q.outcome != unfinished {
		w.violate("request %d ended twice", q.id)
		return
	}
	q.outcome = how
	w.open--
	w.stats.outcomes[how]++
	w.ended = w.loop.Now()
	if w.keep {
		w.stats.answers = append(w.stats.answers, q.came)
	}
	if how == completed {
		w.stats.total = append(w.stats.total, w.loop.Now()-q.arrived)
		w.stats.prompts += uint64(q.prompt)
		if w.stats.faults > 0 {
			w.stats.longest = append(w.stats.longest, q.longest)
		}
	}
	w.front.left(q)
	if w.users != nil {
		w.users.ended(how)
	}
}
