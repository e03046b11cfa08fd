package sampler

// Matcher constrains an answer to a language. grammar.Matcher is one.
type Matcher interface {
	// Mask writes which tokens may follow: bit t%64 of dst[t/64] for token t.
	Mask(dst []uint64)
	// Accept adds a token; false if it may not follow.
	Accept(token int32) bool
	// Done reports that only the end may follow.
	Done() bool
}

// grammar is a Matcher and its next mask. Without a Matcher it allows all tokens.
type grammar struct {
	m       Matcher
	mask    []uint64
	ready   bool // mask is the one of the next token
	refused bool
}

// Constrain constrains the answer to the language of m; nil is no constraint.
// vocabulary is the number of logits.
func (s *Sampler) Constrain(m Matcher, vocabulary int) {
	s.grammar = grammar{m: m}
	if m != nil {
		s.grammar.mask = make([]uint64, (vocabulary+63)/64)
	}
}

// Constrained reports whether the answer is constrained.
func (s *Sampler) Constrained() bool { return s.grammar.m != nil }

// Prepare computes the mask of the next Sample. Another goroutine may call it
// between Accept and Sample; otherwise Sample does.
func (s *Sampler) Prepare() {
	if g := &s.grammar; g.m != nil && !g.ready {
		g.m.Mask(g.mask)
		g.ready = true
	}
}

// Refused reports that the language does not allow the token that was accepted last.
func (s *Sampler) Refused() bool { return s.grammar.refused }

// Done reports that the answer is complete: its language allows nothing more.
func (s *Sampler) Done() bool { return s.grammar.m != nil && s.grammar.m.Done() }

func (g *grammar) accept(token int32) {
	if g.m != nil {
		g.ready = false
		g.refused = !g.m.Accept(token)
	}
}

// apply removes the tokens that may not follow.
func (g *grammar) apply(logits []float32) {
	for i, word := range g.mask {
		if word == ^uint64(0) {
			continue
		}
		lo := i * 64
		for j := range logits[lo:min(lo+64, len(logits))] {
			if word>>j&1 == 0 {
				logits[lo+j] = -inf
			}
		}
	}
}
