package scheduler

import (
	"cmp"

	"github.com/hachi-serve/hachi/internal/router/kvcache"
)

// Sequence is one stream of tokens on its way through the model.
type Sequence struct {
	ID       uint64
	Tokens   []int32 // prompt and what was generated
	Computed int     // positions whose K and V are in the cache
	// Draft is a guess of the tokens after Tokens, to verify in the next step.
	Draft []int32
	// Priority: lower starts first and is preempted last.
	Priority int
	// Begun says that a client has the beginning of the answer, which another router
	// drew, and waits for the rest. It does not change.
	Begun bool
	// Compute reads nothing from the prefix cache: the logits of every position
	// are wanted.
	Compute bool

	Table   kvcache.Table // owned by the Scheduler
	arrival uint64
	running bool
	step    uint64 // of the Schedule that last gave it a decode row
}

// Span is the share of one sequence in a step: N rows from position Computed.
// Rows beyond len(Seq.Tokens) are the beginning of Seq.Draft.
type Span struct {
	Seq *Sequence
	N   int
}

// Drafted is how many rows of the span are the draft's.
func (s Span) Drafted() int { return max(0, s.Seq.Computed+s.N-len(s.Seq.Tokens)) }

// Placed reports whether the sequence runs: it has blocks for its tokens.
func (s *Sequence) Placed() bool { return s.running }

// todo is how far the tokens are ahead of what is computed.
func (s *Sequence) todo() int { return len(s.Tokens) - s.Computed }

// urgency orders sequences: by priority, then answers that others began, then by
// arrival.
func urgency(a, b *Sequence) int {
	if a.Priority == b.Priority && a.Begun != b.Begun {
		if a.Begun {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.arrival, b.arrival))
}
