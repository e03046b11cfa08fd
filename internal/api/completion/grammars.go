package completion

import (
	"fmt"
	"sync"

	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// maxCompilers is the maximum number of vocabularies: that of the tokenizer and that of
// the chat template, each for texts of their own and for those that continue a prompt's.
const maxCompilers = 4

// Grammars compile languages for the vocabulary of a tokenizer. The compilers are
// made at their first use.
type Grammars struct {
	tokenizer *tokenizer.Tokenizer
	limits    grammar.Limits

	mu        sync.Mutex // guards compilers
	compilers map[string]compiler
}

// compiler is that of one vocabulary; the error says that the vocabulary cannot
// write every text.
type compiler func() (*grammar.Compiler, error)

// NewGrammars makes compilers that remember what they compiled, within limits.
func NewGrammars(t *tokenizer.Tokenizer, l grammar.Limits) *Grammars {
	return &Grammars{tokenizer: t, limits: l, compilers: map[string]compiler{}}
}

// compiler returns the compiler for answers of a language.
func (g *Grammars) compiler(l *Language) (*grammar.Compiler, error) {
	key := fmt.Sprint(l.Fresh, l.Shown)
	g.mu.Lock()
	c, ok := g.compilers[key]
	if !ok {
		if len(g.compilers) >= maxCompilers {
			clear(g.compilers)
		}
		words := vocabulary{g.tokenizer.Show(l.Shown), l.Fresh}
		c = sync.OnceValues(func() (*grammar.Compiler, error) { return grammar.NewCompiler(words, g.limits) })
		g.compilers[key] = c
	}
	g.mu.Unlock()
	return c()
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
