package completion

import (
	"sync"

	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// Grammars compile structured outputs for the vocabulary of a tokenizer. The
// compilers are made at their first use.
type Grammars struct {
	tokenizer *tokenizer.Tokenizer
	limits    grammar.Limits

	mu        sync.Mutex // guards compilers
	compilers map[*tokenizer.Tokenizer]compilers
}

// compilers are those for one tokenizer of answers.
type compilers struct {
	continuation func() (*grammar.Compiler, error) // the answer continues a text
	fresh        func() (*grammar.Compiler, error) // the answer is a text of its own
}

// NewGrammars makes compilers that remember what they compiled, within limits.
func NewGrammars(t *tokenizer.Tokenizer, l grammar.Limits) *Grammars {
	return &Grammars{tokenizer: t, limits: l, compilers: map[*tokenizer.Tokenizer]compilers{}}
}

// For returns the compiler for answers to a prompt. The error says that the
// vocabulary cannot write every text.
func (g *Grammars) For(prompt []int32, newText bool) (*grammar.Compiler, error) {
	return g.Of(g.tokenizer, prompt, newText)
}

// Of is For with another tokenizer of answers: one of a few, of a chat template.
func (g *Grammars) Of(answers *tokenizer.Tokenizer, prompt []int32, newText bool) (*grammar.Compiler, error) {
	c := g.of(answers)
	if newText || !g.hasText(prompt) {
		return c.fresh()
	}
	return c.continuation()
}

func (g *Grammars) of(answers *tokenizer.Tokenizer) compilers {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, ok := g.compilers[answers]
	if !ok {
		compiler := func(fresh bool) func() (*grammar.Compiler, error) {
			return sync.OnceValues(func() (*grammar.Compiler, error) {
				return grammar.NewCompiler(vocabulary{answers, fresh}, g.limits)
			})
		}
		c = compilers{continuation: compiler(false), fresh: compiler(true)}
		g.compilers[answers] = c
	}
	return c
}

// hasText reports whether any token of a prompt stands for text.
func (g *Grammars) hasText(prompt []int32) bool {
	for _, id := range prompt {
		if len(g.tokenizer.TokenBytes(id)) > 0 {
			return true
		}
	}
	return false
}

// vocabulary implements grammar.Vocabulary as a Reader reads tokens.
type vocabulary struct {
	*tokenizer.Tokenizer
	fresh bool
}

func (v vocabulary) Size() int                { return v.Vocab() }
func (v vocabulary) Bytes(token int32) []byte { return v.TokenBytes(token) }

func (v vocabulary) First(token int32) []byte {
	if v.fresh {
		return v.FirstBytes(token)
	}
	return v.TokenBytes(token)
}
