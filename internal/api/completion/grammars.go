package completion

import (
	"sync"

	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// Grammars compile languages for the vocabulary of a tokenizer. The compilers
// are made when they are first asked for.
type Grammars struct {
	tokenizer *tokenizer.Tokenizer
	begun     func() (*grammar.Compiler, error) // the answer continues a text
	beginning func() (*grammar.Compiler, error) // the answer is a text of its own
}

// NewGrammars makes compilers that remember what they compiled, within limits.
func NewGrammars(t *tokenizer.Tokenizer, l grammar.Limits) *Grammars {
	compiler := func(beginning bool) func() (*grammar.Compiler, error) {
		return sync.OnceValues(func() (*grammar.Compiler, error) { return grammar.NewCompiler(vocabulary{t, beginning}, l) })
	}
	return &Grammars{tokenizer: t, begun: compiler(false), beginning: compiler(true)}
}

// For returns the compiler for answers to a prompt. The error says that the
// vocabulary cannot write every text.
func (g *Grammars) For(prompt []int32, newText bool) (*grammar.Compiler, error) {
	if newText || !g.saysSomething(prompt) {
		return g.beginning()
	}
	return g.begun()
}

func (g *Grammars) saysSomething(prompt []int32) bool {
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
	beginning bool
}

func (v vocabulary) Size() int                { return v.Vocab() }
func (v vocabulary) Bytes(token int32) []byte { return v.TokenBytes(token) }

func (v vocabulary) First(token int32) []byte {
	if v.beginning {
		return v.FirstBytes(token)
	}
	return v.TokenBytes(token)
}
