package engine

// An answer that repeats its prompt or itself can be drafted: what followed the
// last few tokens when they occurred before may follow again. A draft is verified
// by drawing at each of its positions as if there were no draft, so it changes the
// number of steps of an answer and nothing else. Source: Saxena, "Prompt lookup
// decoding" (2023).

const (
	// minMatch is the shortest match that a draft is made from; a match of maxMatch
	// ends the search, because longer ones hardly predict better.
	minMatch = 2
	maxMatch = 4
	// maxRest bounds the steps without a draft after rejected drafts: each rejected
	// token costs a row in every expert it routes to.
	maxRest = 32
)

// speculation adapts the draft length of one sequence. Accepted drafts double it,
// partly accepted ones set it to what was accepted, and rejected ones make it 1
// and pause drafting for 1, 3, 7, ... up to maxRest-1 steps.
type speculation struct {
	max   int // draft tokens; 0 is off
	n     int // draft tokens of the next step; 0 before the first
	fails int // rejected drafts in a row
	rest  int // steps left without a draft
}

// propose drafts what follows tokens, at most room of them. The draft is a part of
// tokens: it must be used before tokens grows.
func (s *speculation) propose(tokens []int32, room int) []int32 {
	if s.max == 0 || room < 1 {
		return nil
	}
	if s.rest > 0 {
		s.rest--
		return nil
	}
	if s.n == 0 {
		s.n = s.max
	}
	at := lookup(tokens)
	return tokens[at:min(at+min(s.n, room), len(tokens))]
}

// lookup finds the longest earlier match of the last tokens, the latest among
// equals, and returns the index after it; len(tokens) if there is none. The search
// is linear in the tokens: some microseconds beside milliseconds of a step.
func lookup(tokens []int32) int {
	last, best, at := len(tokens)-1, minMatch-1, len(tokens)
	for end := last - 1; end >= minMatch-1 && best < maxMatch; end-- {
		n := 0
		for n < maxMatch && n <= end && tokens[end-n] == tokens[last-n] {
			n++
		}
		if n > best {
			best, at = n, end+1
		}
	}
	return at
}

// learn takes how many tokens of a draft were accepted.
func (s *speculation) learn(proposed, accepted int) {
	switch {
	case proposed == 0:
	case accepted == 0:
		s.fails++
		s.n = 1
		s.rest = min(maxRest, 1<<min(s.fails, 5)) - 1
	case accepted == proposed:
		s.fails, s.n = 0, min(s.max, 2*s.n)
	default:
		s.fails, s.n = 0, accepted
	}
}
