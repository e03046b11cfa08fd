package engine

// An answer that repeats its prompt or itself can be guessed: what followed the
// last few tokens when they occurred before may follow again. A guess is
// verified by drawing at each of its positions as if it were not there, so it
// changes how many steps an answer takes and nothing else. Source: Saxena,
// "Prompt lookup decoding" (2023).

const (
	// A guess needs shortest equal tokens; longest are enough.
	shortest = 2
	longest  = 4
	// longestRest is how many steps pass without a guess when guesses keep
	// being wrong.
	longestRest = 32
)

// speculation is one sequence's experience with guesses.
type speculation struct {
	most  int // tokens of a guess; 0 is off
	n     int // tokens of the next guess
	fails int // wrong guesses since the last right one
	rest  int // steps to go without a guess
}

// propose guesses what follows tokens, at most room of them.
func (s *speculation) propose(tokens []int32, room int) []int32 {
	if s.most == 0 || room < 1 {
		return nil
	}
	if s.rest > 0 {
		s.rest--
		return nil
	}
	if s.n == 0 {
		s.n = s.most
	}
	at := lookup(tokens)
	return tokens[at:min(at+min(s.n, room), len(tokens))]
}

// lookup finds where the last tokens occurred before: the longest match, the
// latest among equals. It returns the index after it, or len(tokens).
func lookup(tokens []int32) int {
	last, best, at := len(tokens)-1, shortest-1, len(tokens)
	for end := last - 1; end >= shortest-1 && best < longest; end-- {
		n := 0
		for n < longest && n <= end && tokens[end-n] == tokens[last-n] {
			n++
		}
		if n > best {
			best, at = n, end+1
		}
	}
	return at
}

// learn takes how a guess of so many tokens went.
func (s *speculation) learn(proposed, accepted int) {
	switch {
	case proposed == 0:
	case accepted == 0:
		s.fails++
		s.n = 1
		s.rest = min(longestRest, 1<<min(s.fails, 5)) - 1
	case accepted == proposed:
		s.fails, s.n = 0, min(s.most, 2*s.n)
	default:
		s.fails, s.n = 0, accepted
	}
}
