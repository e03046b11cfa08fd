package grammar

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
	"github.com/hachi-serve/hachi/internal/text/grammar/regex"
	"github.com/hachi-serve/hachi/internal/text/grammar/schema"
)

// turnDrawer draws a Turn.
type turnDrawer struct {
	*schema.Composer
	limits Limits
	turn   Turn
	ends   []callEnd
}

// callEnd is where the arguments of a function end in the drawing.
type callEnd struct {
	function int
	node     node
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
	if err := d.checkFunctions(); err != nil {
		return nil, err
	}
	return d.Program(root)
}

// checkFunctions refuses a function whose arguments nothing can satisfy: no answer could
// call it.
func (d *turnDrawer) checkFunctions() error {
	if d.Full() || len(d.ends) == 0 {
		return nil
	}
	reached := d.Reached()
	for _, end := range d.ends {
		if end.node == automaton.None || !reached[end.node] {
			return &FunctionFault{end.function, errors.New("no arguments can satisfy the schema")}
		}
	}
	return nil
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
		words, err := regex.Compile(*t.Regex, regex.Options{Alphabet: regex.Scalars(), Budget: d.Budget()})
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
	from, level := d.marks(from, strings.TrimPrefix(c.Begin, read), depth(read))
	d.Empty(from, begin)
	for i, f := range c.Functions {
		before, level := d.marks(d.Literal(begin, f.Name), c.Between, level)
		after, err := d.Arguments(before, f.Schema, level)
		if err != nil {
			return &FunctionFault{i, err}
		}
		d.ends = append(d.ends, callEnd{i, after})
		d.Empty(after, called)
	}
	level += depth(c.Between)
	if c.Many {
		again, _ := d.marks(called, c.Next, level)
		d.Empty(again, begin)
	}
	over, _ := d.marks(called, c.End, level)
	d.Empty(over, to)
	return nil
}

// marks draws marks in which a blank is a gap, and returns where they end and how many
// lists are open there.
func (d *turnDrawer) marks(from node, marks string, level int) (node, int) {
	parts := strings.Split(marks, " ")
	for i, literal := range parts {
		if i > 0 {
			from = d.gap(from, parts[i-1], literal, level)
		}
		from = d.Literal(from, literal)
		level += depth(literal)
	}
	return from, level
}

// gap draws what may stand between two parts of a mark: at a colon or before a comma
// no line ends.
func (d *turnDrawer) gap(from node, before, after string, level int) node {
	if strings.HasSuffix(before, ":") || strings.HasPrefix(after, ":") || strings.HasPrefix(after, ",") {
		to := d.Literal(from, " ")
		d.Empty(from, to)
		return to
	}
	if strings.HasPrefix(after, "}") || strings.HasPrefix(after, "]") {
		level--
	}
	return d.Gap(from, max(level, 0))
}

// depth is the number of lists that a part of a mark leaves open.
func depth(mark string) int {
	open := strings.Count(mark, "{") + strings.Count(mark, "[")
	return open - strings.Count(mark, "}") - strings.Count(mark, "]")
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
		dfa, err := regex.Compile(e, regex.Options{Alphabet: regex.Scalars(), Budget: d.Budget()})
		if err != nil {
			return nil, err
		}
		if all, err = all.Minus(dfa, d.Budget()); err != nil {
			return nil, err
		}
	}
	return all, nil
}
