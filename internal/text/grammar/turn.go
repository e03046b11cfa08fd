package grammar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
	"github.com/hachi-serve/hachi/internal/text/grammar/schema"
)

const (
	// MaxLead is the maximum number of blanks and line ends before calls that begin
	// a text, and before and after reasoning.
	MaxLead = 4
	// MaxIndent is the maximum number of blanks after the line end of a gap.
	MaxIndent = 16
)

// Turn is the language of a turn of an assistant: perhaps reasoning, then a text,
// calls of functions, or a text and then calls.
type Turn struct {
	Reasoning Reasoning
	// Text is what the text is; nil is no text.
	Text *Text
	// Calls are the calls; nil is none.
	Calls *Calls
}

// Reasoning is a text between two marks. The zero value is none.
type Reasoning struct {
	Open, Close string
	// Begun says that Open is before the turn.
	Begun bool
}

// Text is a language of texts: one of its fields, or with none any text.
type Text struct {
	Object bool
	Schema json.RawMessage
	Regex  *string
	Choice []string
}

// Any reports that every text is of the language.
func (t *Text) Any() bool {
	return t != nil && !t.Object && t.Schema == nil && t.Regex == nil && t.Choice == nil
}

// Calls is the language of calls of functions:
//
//	Begin name Between arguments (Next name Between arguments)* End
//
// In these four marks a blank is a gap: nothing, a blank, or a line end and an indent
// by two or by four blanks for each list that is open (up to eight where it is by four).
// At a colon and before a comma no line ends. The gaps of arguments are the same. A
// reader of texts may take more: a line end and up to MaxIndent blanks.
type Calls struct {
	Begin, Between, Next, End string
	// Marker is the part of Begin from which on a text is a call. It has no gap if
	// Anywhere. "" is Begin, a name, Between and a bracket.
	Marker string
	// Anywhere allows text before the calls. Otherwise a text is a text or calls.
	Anywhere bool
	// Many allows more than one call.
	Many      bool
	Functions []Function
}

// Function has the JSON Schema of its arguments, which are an object.
type Function struct {
	Name   string
	Schema json.RawMessage
}

// ErrConfusing means that a text of the language may begin as calls do, so that no
// reader can tell them apart.
var ErrConfusing = errors.New("allows texts that begin as a call of a function does, which is not supported together with functions")

// Text returns the grammar of a language of texts that is not any text.
func (c *Compiler) Text(t Text) (*Grammar, error) { return c.TextWithin(context.Background(), t) }

// TextWithin is Text that waits for other compilations no longer than ctx. The error
// may be ErrBusy.
func (c *Compiler) TextWithin(ctx context.Context, t Text) (*Grammar, error) {
	switch {
	case t.Object:
		return c.object(ctx)
	case t.Schema != nil:
		return c.schema(ctx, t.Schema)
	case t.Choice != nil:
		return c.choice(ctx, t.Choice)
	default:
		return c.regex(ctx, *t.Regex)
	}
}

// Turn returns the grammar of a turn. Its error may be a *FunctionFault, or that
// of the language of the text, or ErrConfusing.
func (c *Compiler) Turn(t Turn) (*Grammar, error) { return c.TurnWithin(context.Background(), t) }

// TurnWithin is Turn that waits as TextWithin does.
func (c *Compiler) TurnWithin(ctx context.Context, t Turn) (*Grammar, error) {
	if err := c.checkFunctions(t.Calls); err != nil {
		return nil, err
	}
	if t.Text != nil && !t.Text.Any() && t.Calls != nil {
		text, err := c.TextWithin(ctx, *t.Text)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(t.Calls.openings(), text.begins) {
			return nil, ErrConfusing
		}
	}
	source, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("a schema is not JSON: %w", err)
	}
	if len(source) > c.limits.SourceBytes {
		fault := errTogether
		if t.Calls == nil {
			fault = fmt.Errorf("the schema is %w", ErrTooLarge)
		}
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", fault, len(source), c.limits.SourceBytes)
	}
	return c.remember(ctx, "turn "+string(source), func() (*automaton.Machine, error) {
		m, err := c.turn(t)
		if errors.Is(err, ErrTooLarge) && t.Calls != nil {
			return nil, c.blame(t, err)
		}
		return m, err
	})
}

// turn compiles a turn.
func (c *Compiler) turn(t Turn) (*automaton.Machine, error) {
	d := turnDrawer{Composer: schema.NewComposer(c.limits.schema()), limits: c.limits, turn: t}
	return c.machine(d.program())
}

// openings are texts with which calls begin, in two spellings of their gaps.
func (c *Calls) openings() []string {
	var all []string
	if c.Marker != "" {
		all = []string{c.Marker}
	} else {
		for _, f := range c.Functions {
			all = append(all, c.Begin+f.Name+c.Between+"{")
		}
	}
	for _, spaced := range all {
		all = append(all, strings.ReplaceAll(spaced, " ", ""))
	}
	return all
}

// begins reports whether a text of the language begins with these bytes.
func (g *Grammar) begins(text string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.machine.Start()
	for i := range len(text) {
		at = g.machine.Step(at, text[i])
	}
	return at != g.machine.Dead()
}
