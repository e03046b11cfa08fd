package grammar

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
	"github.com/hachi-serve/hachi/internal/text/grammar/regex"
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
// In these four marks a blank is a gap: nothing, a blank, or a line end and up to
// MaxIndent blanks.
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

// FunctionFault is a fault in the schema of a function.
type FunctionFault struct {
	Index int
	Err   error
}

func (f *FunctionFault) Error() string { return fmt.Sprintf("function %d: %v", f.Index, f.Err) }

func (f *FunctionFault) Unwrap() error { return f.Err }

// ErrConfusing means that a text of the language may begin as calls do, so that no
// reader can tell them apart.
var ErrConfusing = errors.New("allows texts that begin as a call of a function does, which is not supported together with functions")

// Text returns the grammar of a language of texts that is not any text.
func (c *Compiler) Text(t Text) (*Grammar, error) {
	switch {
	case t.Object:
		return c.Object()
	case t.Schema != nil:
		return c.Schema(t.Schema)
	case t.Choice != nil:
		return c.Choice(t.Choice)
	default:
		return c.Regex(*t.Regex)
	}
}

// Turn returns the grammar of a turn. Its error may be a *FunctionFault, or that
// of the language of the text, or ErrConfusing.
func (c *Compiler) Turn(t Turn) (*Grammar, error) {
	source, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("a schema is not JSON: %w", err)
	}
	if len(source) > c.limits.SourceBytes {
		return nil, fmt.Errorf("the schemas together are %w: %d bytes, the limit is %d", ErrTooLarge, len(source), c.limits.SourceBytes)
	}
	if t.Text != nil && !t.Text.Any() && t.Calls != nil {
		text, err := c.Text(*t.Text)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(t.Calls.openings(), text.begins) {
			return nil, ErrConfusing
		}
	}
	return c.remember("turn "+string(source), func() (*automaton.Program, error) {
		d := turnDrawer{schema.NewComposer(c.limits.schema()), c.limits, t}
		return d.program()
	})
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

// turnDrawer draws a Turn.
type turnDrawer struct {
	*schema.Composer
	limits Limits
	turn   Turn
}

type node = automaton.Node

func (d *turnDrawer) program() (*automaton.Program, error) {
	root := d.Rule("the turn")
	start, end := d.Body(root)
	reasoned, err := d.reasoning(start)
	if err != nil {
		return nil, err
	}
	// Without the reasoning that it may begin with, a turn must not look as if it
	// began with it.
	optional := d.turn.Reasoning.Close != "" && !d.turn.Reasoning.Begun
	if optional {
		if err := d.answer(start, end, true); err != nil {
			return nil, err
		}
	}
	if err := d.answer(reasoned, end, false); err != nil {
		return nil, err
	}
	return d.Program(root)
}

// reasoning draws reasoning.
func (d *turnDrawer) reasoning(from node) (node, error) {
	r := d.turn.Reasoning
	if r.Close == "" {
		return from, nil
	}
	if !r.Begun {
		from = d.Literal(d.lead(from), r.Open)
	}
	thought, err := d.without(contains(r.Close))
	if err != nil {
		return automaton.None, err
	}
	return d.Literal(d.Text(from, thought), r.Close), nil
}

// answer joins two nodes by what follows the reasoning. Plain says that it must
// not look like reasoning.
func (d *turnDrawer) answer(from, to node, plain bool) error {
	calls, text := d.turn.Calls, d.turn.Text
	if calls != nil && !(calls.Anywhere && text.Any()) {
		if err := d.calls(d.lead(from), "", to); err != nil {
			return err
		}
	}
	switch {
	case text == nil:
		return nil
	case !text.Any():
		if d.turn.Reasoning.Close != "" && !plain {
			from = d.lead(from)
		}
		said, err := d.text(from)
		d.Empty(said, to)
		return err
	}
	return d.free(from, to, plain)
}

// free joins two nodes by any text, and by calls behind it.
func (d *turnDrawer) free(from, to node, plain bool) error {
	calls := d.turn.Calls
	var marks []string
	if plain {
		marks = append(marks, lead+regexp.QuoteMeta(d.turn.Reasoning.Open)+any)
	}
	if calls != nil {
		marks = append(marks, calls.mark())
	}
	words, err := d.without(marks...)
	if err != nil {
		return err
	}
	said := d.Text(from, words)
	d.Empty(said, to)
	if calls != nil && calls.Anywhere {
		return d.calls(d.Literal(said, calls.Marker), calls.Marker, to)
	}
	return nil
}

// text draws a text of a language.
func (d *turnDrawer) text(from node) (node, error) {
	switch t := d.turn.Text; {
	case t.Object:
		return d.Object(from), nil
	case t.Schema != nil:
		return d.Schema(from, t.Schema)
	case t.Choice != nil:
		return d.Text(from, regex.Words(t.Choice)), nil
	default:
		words, err := regex.Compile(*t.Regex, regex.Options{Alphabet: regex.Scalars(), MaxStates: d.limits.States})
		if err != nil {
			return automaton.None, err
		}
		return d.Text(from, words), nil
	}
}

// calls joins two nodes by calls, of which a part of Begin was read.
func (d *turnDrawer) calls(from node, read string, to node) error {
	c := d.turn.Calls
	begin, called := d.Node(), d.Node()
	d.Empty(d.marks(from, strings.TrimPrefix(c.Begin, read)), begin)
	for i, f := range c.Functions {
		after, err := d.ObjectOf(d.marks(d.Literal(begin, f.Name), c.Between), f.Schema)
		if err != nil {
			return &FunctionFault{i, err}
		}
		d.Empty(after, called)
	}
	if c.Many {
		d.Empty(d.marks(called, c.Next), begin)
	}
	d.Empty(d.marks(called, c.End), to)
	return nil
}

// marks draws marks in which a blank is a gap.
func (d *turnDrawer) marks(from node, marks string) node {
	for i, literal := range strings.Split(marks, " ") {
		if i > 0 {
			from = d.gap(from)
		}
		from = d.Literal(from, literal)
	}
	return from
}

// gap draws nothing, a blank, or a line end and blanks.
func (d *turnDrawer) gap(from node) node {
	to := d.Literal(from, " ")
	at := d.Literal(from, "\n")
	d.Empty(from, to)
	for range MaxIndent {
		d.Empty(at, to)
		at = d.Literal(at, " ")
	}
	d.Empty(at, to)
	return to
}

// lead draws up to MaxLead blanks and line ends.
func (d *turnDrawer) lead(from node) node {
	to := d.Node()
	for range MaxLead {
		d.Empty(from, to)
		next := d.Node()
		d.Byte(from, ' ', ' ', next)
		d.Byte(from, '\n', '\n', next)
		from = next
	}
	d.Empty(from, to)
	return to
}

// any is the expression of every text.
const any = `(?s:.*)`

// Expressions of what the functions of their names draw.
var (
	lead = fmt.Sprintf(`[ \n]{0,%d}`, MaxLead)
	gap  = fmt.Sprintf(`(?: |\n {0,%d})?`, MaxIndent)
)

// contains is the expression of texts with a literal in them.
func contains(literal string) string { return any + regexp.QuoteMeta(literal) + any }

// mark is the expression of texts that have calls, as far as a reader of the text
// can tell.
func (c *Calls) mark() string {
	if c.Anywhere {
		return contains(c.Marker)
	}
	quote := func(marks string) string {
		parts := strings.Split(marks, " ")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		return strings.Join(parts, gap)
	}
	if c.Marker != "" {
		return lead + quote(c.Marker) + any
	}
	names := make([]string, len(c.Functions))
	for i, f := range c.Functions {
		names[i] = regexp.QuoteMeta(f.Name)
	}
	slices.Sort(names)
	return lead + quote(c.Begin) + "(?:" + strings.Join(names, "|") + ")" + quote(c.Between) + `\{` + any
}

// without is every text but those of some expressions.
func (d *turnDrawer) without(expressions ...string) (*regex.DFA, error) {
	all := regex.Class(regex.Scalars())
	for _, e := range expressions {
		dfa, err := regex.Compile(e, regex.Options{Alphabet: regex.Scalars(), MaxStates: d.limits.States})
		if err != nil {
			return nil, err
		}
		if all, err = all.Minus(dfa, d.limits.States); err != nil {
			return nil, err
		}
	}
	return all, nil
}
