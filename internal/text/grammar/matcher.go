package grammar

import (
	"fmt"
	"sync"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
)

// Grammar is a language of answers.
type Grammar struct {
	compiler *Compiler

	mu      sync.Mutex // guards all below
	machine *automaton.Machine
	masks   map[place][]uint64
	first   []uint64 // the mask before the first token
	trail   []*automaton.Set
}

// place is what a mask depends on: the kind of a Set, or where a Set within the
// horizon is not plain, the Set itself.
type place struct {
	kind uint64
	set  *automaton.Set
}

func newGrammar(c *Compiler, m *automaton.Machine) *Grammar {
	depth := max(c.tokens.depth, c.first.depth)
	return &Grammar{compiler: c, machine: m, masks: map[place][]uint64{}, trail: make([]*automaton.Set, depth+1)}
}

// Words is the length of a mask: a bit for each token.
func (g *Grammar) Words() int { return g.compiler.Words() }

// Matcher returns the state of an empty answer.
func (g *Grammar) Matcher() *Matcher {
	g.mu.Lock()
	defer g.mu.Unlock()
	return &Matcher{g: g, at: g.machine.Begin()}
}

// mask returns the mask after a text. The caller holds the lock and must not
// change the mask.
func (g *Grammar) mask(s *automaton.Set, started bool) []uint64 {
	if !started {
		return g.firstMask(s)
	}
	for _, p := range []place{{kind: s.Kind()}, {set: s}} {
		if mask, ok := g.masks[p]; ok {
			return mask
		}
	}
	mask, plain := g.walk(g.compiler.tokens, s)
	if len(g.masks) >= g.compiler.limits.Masks {
		clear(g.masks)
	}
	if plain {
		g.masks[place{kind: s.Kind()}] = mask
	} else {
		g.masks[place{set: s}] = mask
	}
	return mask
}

// firstMask is the mask of the first token.
func (g *Grammar) firstMask(s *automaton.Set) []uint64 {
	if g.first != nil {
		return g.first
	}
	g.first, _ = g.walk(g.compiler.first, s)
	if s.Open() {
		for _, token := range g.compiler.silent {
			g.first[token/64] |= 1 << (token % 64)
		}
	}
	return g.first
}

// walk finds the tokens whose bytes may follow a text. It reports whether all Sets
// on the way were plain: then the mask is that of every Set of this kind.
func (g *Grammar) walk(t *trie, s *automaton.Set) (mask []uint64, plain bool) {
	mask, plain = make([]uint64, g.Words()), s.Plain()
	if s.Accepting() {
		eos := g.compiler.vocabulary.EOS()
		mask[eos/64] |= 1 << (eos % 64)
	}
	dead, trail, nodes := g.machine.Dead(), g.trail, t.nodes
	trail[0] = s
	for i := int32(1); i < int32(len(nodes)-1); {
		n := &nodes[i]
		next := g.machine.Step(trail[n.depth-1], n.last)
		if next == dead {
			i = n.skip
			continue
		}
		plain = plain && next.Plain()
		trail[n.depth] = next
		i++
		for _, token := range t.tokens[n.tokens:nodes[i].tokens] {
			mask[token/64] |= 1 << (token % 64)
		}
	}
	clear(trail)
	return mask, plain
}

// distinguish takes the tokens out of a mask that would write an item twice.
func (g *Grammar) distinguish(mask []uint64, m *Matcher) {
	c := g.compiler
	check := func(tokens []int32) {
		for _, token := range tokens {
			if mask[token/64]>>(token%64)&1 == 0 {
				continue
			}
			text := c.vocabulary.Bytes(token)
			if !m.started {
				text = c.vocabulary.First(token)
			}
			if _, ok := g.machine.Read(m.at, text); !ok {
				mask[token/64] &^= 1 << (token % 64)
			}
		}
	}
	for b, suspect := range m.at.Suspects() {
		if suspect {
			check(c.begin[b])
		}
	}
	check(c.commas)
}

// Matcher is the state of one answer.
type Matcher struct {
	g       *Grammar
	at      automaton.Text
	started bool // a token was accepted
	ended   bool // by EOS
}

// Mask writes the tokens that may follow: bit t%64 of dst[t/64] for token t.
// The length of dst is at least Grammar.Words: logits may have entries that are
// no tokens, and these may not follow. After the end no token may.
func (m *Matcher) Mask(dst []uint64) {
	if len(dst) < m.g.Words() {
		panic(fmt.Sprintf("grammar: a mask of %d words, expected %d", len(dst), m.g.Words()))
	}
	clear(dst[m.g.Words():])
	if m.ended {
		clear(dst)
		return
	}
	m.g.mu.Lock()
	defer m.g.mu.Unlock()
	copy(dst, m.g.mask(m.at.Set, m.started))
	if m.g.machine.Distinguishes() {
		m.g.distinguish(dst, m)
	}
}

// Accept adds a token to the answer. It reports false, and nothing has changed,
// when the token may not follow.
func (m *Matcher) Accept(token int32) bool {
	v := m.g.compiler.vocabulary
	switch {
	case m.ended || token < 0 || int(token) >= v.Size():
		return false
	case token == v.EOS():
		m.ended = m.at.Accepting()
		return m.ended
	}
	text := v.Bytes(token)
	if len(text) == 0 {
		return false
	}
	if !m.started {
		if text = v.First(token); len(text) == 0 && !m.at.Open() {
			return false
		}
	}
	m.g.mu.Lock()
	defer m.g.mu.Unlock()
	at, ok := m.g.machine.Read(m.at, text)
	if !ok {
		return false
	}
	m.at, m.started = at, true
	return true
}

// Continue advances over a text with which the answer that is to come begins. It
// reports false, and nothing has changed, when no text of the language begins so.
func (m *Matcher) Continue(text string) bool {
	m.g.mu.Lock()
	defer m.g.mu.Unlock()
	at, ok := m.g.machine.Read(m.at, []byte(text))
	if ok && text != "" {
		m.at, m.started = at, true
	}
	return ok
}

// Complete reports that the text so far is one of the language: the answer may
// end here.
func (m *Matcher) Complete() bool { return m.at.Accepting() }

// Done reports that the answer has ended, or that only its end can follow.
func (m *Matcher) Done() bool { return m.ended || !m.at.Open() }

// Clone returns an independent Matcher in the same state.
func (m *Matcher) Clone() *Matcher {
	c := *m
	return &c
}
