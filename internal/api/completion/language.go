package completion

import (
	"context"
	"errors"
	"fmt"

	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/text/grammar"
)

// Language is what an answer must be, as its source, so that it can be sent to the
// process that draws the tokens. Exactly one of Text and Turn is set. It is
// immutable.
type Language struct {
	Text *grammar.Text // not any text
	Turn *grammar.Turn
	// Fresh makes the answer a text of its own, and not the continuation of the
	// text of its prompt.
	Fresh bool
	// Shown are the special tokens that stand for their texts.
	Shown []int32
	// Ends are the tokens that may end the answer where its language ends, besides
	// the end of sequence.
	Ends []int32
	// Going makes the answer go on while its language can.
	Going bool
	// Said is the text that the answer continues: both together are of the language.
	Said string
}

// language is what an answer to a request must be; nil is any text.
func (c *Completer) language(r *Request) *Language {
	l := &Language{Fresh: r.NewText || !c.hasText(r.Prompt), Ends: c.StopTokens, Going: r.IgnoreEOS}
	if r.turn != nil {
		l.Said = r.turn.said
	}
	switch t := r.turn; {
	case t != nil && t.language != nil:
		l.Turn, l.Shown = t.language, t.answers.Shown()
	case r.Output != nil:
		l.Text = &r.Output.text
	default:
		return nil
	}
	return l
}

// hasText reports whether any token of a prompt stands for text.
func (c *Completer) hasText(prompt []int32) bool {
	for _, id := range prompt {
		if len(c.Tokenizer.TokenBytes(id)) > 0 {
			return true
		}
	}
	return false
}

// blamed turns a GrammarError into the Fault of the parameter that asked for the
// language. Other errors stay.
func (r *Request) blamed(err error) error {
	var refused *GrammarError
	if !errors.As(err, &refused) {
		return err
	}
	code := CodeValue
	if refused.Unsupported {
		code = CodeUnsupported
	}
	output := r.Output
	if t := r.turn; t != nil && t.language != nil {
		var f *grammar.FunctionFault
		if errors.As(err, &f) && f.Index >= 0 && f.Index < len(t.tools) {
			return &Fault{fmt.Sprintf("tools[%d].function.parameters", t.tools[f.Index]), code, f.Err}
		}
		output = t.output
	}
	if output == nil && errors.Is(err, ErrSaid) {
		return &Fault{"messages", code, refused.Err}
	}
	if output == nil || errors.Is(err, grammar.ErrTogether) {
		return &Fault{"tools", code, refused.Err}
	}
	return &Fault{output.param, code, refused.Err}
}

// compile compiles a language. The error is a *GrammarError, grammar.ErrBusy or that
// of ctx.
func (g *Grammars) compile(ctx context.Context, l *Language) (*grammar.Grammar, error) {
	compiler, err := g.compiler(l)
	if err != nil {
		return nil, &GrammarError{Unsupported: true, Err: fmt.Errorf("is not supported with this vocabulary: %w", err)}
	}
	var out *grammar.Grammar
	if l.Turn != nil {
		out, err = compiler.TurnWithin(ctx, *l.Turn)
	} else {
		out, err = compiler.TextWithin(ctx, *l.Text)
	}
	switch {
	case errors.Is(err, grammar.ErrBusy), err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, &GrammarError{Err: fmt.Errorf("cannot be compiled: %w", err)}
	}
	return out, nil
}

// ErrSaid means that no text of a language begins as the text that the answer continues.
var ErrSaid = errors.New("allows no text that begins as the assistant's message that the answer continues")

// matcher is the state of an answer of a language at its beginning.
func (g *Grammars) matcher(ctx context.Context, l *Language) (sampler.Matcher, error) {
	compiled, err := g.compile(ctx, l)
	if err != nil {
		return nil, err
	}
	m := compiled.Matcher()
	if !m.Continue(l.Said) {
		return nil, &GrammarError{Err: ErrSaid}
	}
	return endings{m, g.tokenizer.EOS(), l.Ends, l.Going}, nil
}

// endings is a Matcher of which an answer may end with any of some tokens where it
// may end, or ends only where it must.
type endings struct {
	*grammar.Matcher
	eos   int32
	more  []int32
	going bool // the answer goes on while it can
}

// Mask is Matcher's, with more tokens where the answer may end.
func (e endings) Mask(dst []uint64) {
	e.Matcher.Mask(dst)
	if dst[e.eos/64]>>(e.eos%64)&1 == 0 {
		return
	}
	if e.going && !e.Done() {
		dst[e.eos/64] &^= 1 << (e.eos % 64)
		return
	}
	for _, t := range e.more {
		dst[t/64] |= 1 << (t % 64)
	}
}
