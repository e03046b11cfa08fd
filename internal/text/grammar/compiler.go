package grammar

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
	"github.com/hachi-serve/hachi/internal/text/grammar/regex"
	"github.com/hachi-serve/hachi/internal/text/grammar/schema"
)

// Compiler compiles grammars for a vocabulary and caches the most recently used.
type Compiler struct {
	vocabulary Vocabulary
	limits     Limits
	tokens     *trie // by Bytes
	first      *trie // by First
	silent     []int32
	begin      [256][]int32 // tokens by the first of their Bytes
	commas     []int32      // tokens with a comma

	// compiling is held by a compilation: they run one after another, so that a burst
	// of large sources needs the memory and the processor of one.
	compiling chan struct{}
	waiting   atomic.Int32 // compilations, with the one that runs
	mu        sync.Mutex   // guards recent; taken after compiling
	recent    []remembered // the most recently used first
}

// remembered is a grammar and its source.
type remembered struct {
	source  string
	grammar *Grammar
}

// Fault is a reason why a schema cannot be used, and where in it: errors of
// Schema are one Fault or several, joined.
type Fault = schema.Fault

// ErrBusy means that more grammars wait to be compiled than Limits.Waiting.
var ErrBusy = errors.New("too many other schemas and expressions are being compiled")

// ErrTooLarge is wrapped by errors about limits.
var ErrTooLarge = automaton.ErrTooLarge

// NewCompiler reads the vocabulary, which must be able to write every byte of
// UTF-8.
func NewCompiler(v Vocabulary, l Limits) (*Compiler, error) {
	if err := errors.Join(l.validate(), checkVocabulary(v)); err != nil {
		return nil, fmt.Errorf("grammar: %w", err)
	}
	c := &Compiler{vocabulary: v, limits: l, compiling: make(chan struct{}, 1)}
	first := func(token int32) []byte {
		if len(v.Bytes(token)) == 0 {
			return nil
		}
		if len(v.First(token)) == 0 {
			c.silent = append(c.silent, token)
		}
		return v.First(token)
	}
	for token := range int32(v.Size()) {
		if b := v.Bytes(token); len(b) > 0 {
			c.begin[b[0]] = append(c.begin[b[0]], token)
			if bytes.IndexByte(b, ',') >= 0 {
				c.commas = append(c.commas, token)
			}
		}
	}
	var err error
	if c.tokens, err = newTrie(v.Size(), v.Bytes); err == nil {
		c.first, err = newTrie(v.Size(), first)
	}
	if err != nil {
		return nil, fmt.Errorf("grammar: %w", err)
	}
	return c, nil
}

// Words is the length of a mask: a bit for each token.
func (c *Compiler) Words() int { return (c.vocabulary.Size() + 63) / 64 }

// Object returns the grammar of JSON objects.
func (c *Compiler) Object() (*Grammar, error) { return c.object(context.Background()) }

func (c *Compiler) object(ctx context.Context) (*Grammar, error) {
	return c.remember(ctx, "object", func() (*automaton.Machine, error) { return c.machine(schema.Object(c.limits.schema())) })
}

// Schema returns the grammar of what satisfies a JSON Schema. Package schema
// documents what is supported and how it is written.
func (c *Compiler) Schema(source []byte) (*Grammar, error) {
	return c.schema(context.Background(), source)
}

func (c *Compiler) schema(ctx context.Context, source []byte) (*Grammar, error) {
	if len(source) > c.limits.SourceBytes {
		_, err := schema.Compile(source, c.limits.schema()) // says so
		return nil, err
	}
	return c.remember(ctx, "schema "+string(source), func() (*automaton.Machine, error) {
		return c.machine(schema.Compile(source, c.limits.schema()))
	})
}

// Regex returns the grammar of the texts that an RE2 expression matches as a
// whole.
func (c *Compiler) Regex(expression string) (*Grammar, error) {
	return c.regex(context.Background(), expression)
}

func (c *Compiler) regex(ctx context.Context, expression string) (*Grammar, error) {
	if len(expression) > c.limits.SourceBytes {
		return nil, fmt.Errorf("the expression is %w: %d bytes, the limit is %d", ErrTooLarge, len(expression), c.limits.SourceBytes)
	}
	return c.remember(ctx, "regex "+expression, func() (*automaton.Machine, error) {
		budget := c.limits.budget()
		d, err := regex.Compile(expression, regex.Options{Alphabet: regex.Scalars(), Budget: budget})
		if err != nil {
			return nil, err
		}
		return c.machine(c.text(d, budget))
	})
}

// Choice returns the grammar of a list of texts.
func (c *Compiler) Choice(texts []string) (*Grammar, error) {
	return c.choice(context.Background(), texts)
}

func (c *Compiler) choice(ctx context.Context, texts []string) (*Grammar, error) {
	bytes := 0
	for _, t := range texts {
		if bytes += len(t) + 3; bytes > c.limits.SourceBytes {
			return nil, fmt.Errorf("the choices are %w: more than the limit of %d bytes", ErrTooLarge, c.limits.SourceBytes)
		}
	}
	var source strings.Builder
	for _, t := range texts {
		if !utf8.ValidString(t) {
			return nil, fmt.Errorf("the choice %q is not UTF-8", t)
		}
		fmt.Fprintf(&source, "%q ", t)
	}
	if source.Len() > c.limits.SourceBytes {
		return nil, fmt.Errorf("the choices are %w: %d bytes, the limit is %d", ErrTooLarge, source.Len(), c.limits.SourceBytes)
	}
	return c.remember(ctx, "choice "+source.String(), func() (*automaton.Machine, error) { return c.machine(c.text(regex.Words(texts), c.limits.budget())) })
}

// text builds the automaton of the texts of d.
func (c *Compiler) text(d *regex.DFA, budget *automaton.Budget) (*automaton.Program, error) {
	b := automaton.NewBuilder(schema.DrawingPerState * c.limits.States)
	r := b.Rule("the text")
	start, end := b.Body(r)
	b.Empty(d.Draw(b, start, b.Runes), end)
	return b.Build(r, budget)
}

// machine makes a machine of a program, which err says there is none of.
func (c *Compiler) machine(p *automaton.Program, err error) (*automaton.Machine, error) {
	if err != nil {
		return nil, err
	}
	m, err := automaton.NewMachine(p, c.limits.machine(), max(c.tokens.depth, c.first.depth))
	if err != nil {
		return nil, &Fault{Err: err}
	}
	return m, nil
}

// remember returns the grammar of a source, from the cache or compiled now.
func (c *Compiler) remember(ctx context.Context, source string, compile func() (*automaton.Machine, error)) (*Grammar, error) {
	if g := c.recall(source); g != nil {
		return g, nil
	}
	defer c.waiting.Add(-1)
	if c.waiting.Add(1) > int32(c.limits.Waiting) {
		return nil, ErrBusy
	}
	select {
	case c.compiling <- struct{}{}:
		defer func() { <-c.compiling }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for other schemas to be compiled: %w", ctx.Err())
	}
	if g := c.recall(source); g != nil {
		return g, nil
	}
	machine, err := compile()
	if err != nil {
		return nil, err
	}
	g := newGrammar(c, machine)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recent = slices.Insert(c.recent, 0, remembered{source, g})
	c.recent = c.recent[:min(len(c.recent), c.limits.Grammars)]
	return g, nil
}

// recall finds a grammar in the cache and moves it to the front; nil is none.
func (c *Compiler) recall(source string) *Grammar {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.recent, func(r remembered) bool { return r.source == source })
	if i < 0 {
		return nil
	}
	found := c.recent[i]
	copy(c.recent[1:i+1], c.recent[:i])
	c.recent[0] = found
	return found.grammar
}
