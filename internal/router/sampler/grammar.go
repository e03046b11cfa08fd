package sampler

// Matcher keeps an answer within a language: grammar.Matcher.
type Matcher interface {
	// Mask writes which tokens may follow: bit t%64 of dst[t/64] for token t.
	Mask(dst []uint64)
	// Accept adds a token; false if it may not follow.
	Accept(token int32) bool
	// Done reports that nothing but the end may follow.
	Done() bool
}

// grammar is a Matcher and its next mask; without one, nothing happens.
type grammar struct {
	m       Matcher
	mask    []uint64
	ready   bool // mask is the one of the next token
	refused bool
}

// Constrain keeps the answer within a language; nil is any. The vocabulary is
// that of the logits.
func (s *Sampler) Constrain(m Matcher, vocabulary int) {
	s.grammar = grammar{m: m}
	if m != nil {
		s.grammar.mask = make([]uint64, (vocabulary+63)/64)
	}
}

// Constrained reports that there is a language to keep to.
func (s *Sampler) Constrained() bool { return s.grammar.m != nil }

// Prepare works out what the next Sample needs to know of the language. Another
// goroutine may do so between Accept and Sample; else Sample does.
func (s *Sampler) Prepare() {
	if g := &s.grammar; g.m != nil && !g.ready {
		g.m.Mask(g.mask)
		g.ready = true
	}
}

// Done reports that the answer is complete: its language lets nothing follow.
func (s *Sampler) Done() bool { return s.grammar.m != nil && s.grammar.m.Done() }

func (g *grammar) accept(token int32) {
	if g.m != nil {
		g.ready = false
		g.refused = !g.m.Accept(token)
	}
}

// apply takes out the tokens that may not follow.
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
