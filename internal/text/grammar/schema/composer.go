package schema

import (
	"errors"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
	"github.com/hachi-serve/hachi/internal/text/grammar/regex"
)

// Composer draws texts that have JSON in them: a Builder, and what satisfies a
// schema as a part of what it draws. Functions that draw start at a node and
// return where what they drew ends.
type Composer struct {
	*automaton.Builder
	drawer *drawer
	limits Limits
	called automaton.Rule // any value in arguments; 0 before it is drawn
}

// NewComposer returns an empty drawing.
func NewComposer(l Limits) *Composer {
	d := newDrawer(l, l.budget())
	return &Composer{Builder: d.Builder, drawer: d, limits: l}
}

// Gap draws what may stand between the tokens of a call, where values are level deep.
func (c *Composer) Gap(from Node, level int) Node {
	before := c.drawer.layout
	defer func() { c.drawer.layout = before }()
	c.drawer.layout = tidy
	return c.drawer.gapAt(from, level)
}

// Object draws any JSON object.
func (c *Composer) Object(from Node) Node { return c.drawer.anyObject(from) }

// Schema draws what satisfies a JSON Schema. The error is one *Fault or several,
// joined.
func (c *Composer) Schema(from Node, source []byte) (Node, error) { return c.schema(from, source) }

// Arguments draws what satisfies a JSON Schema and is an object, as the arguments of a
// call that stand level lists deep. Their white space is tidy. The error is that of
// Schema.
func (c *Composer) Arguments(from Node, source []byte, level int) (Node, error) {
	d := c.drawer
	before := *d
	d.layout = tidy
	if c.called == 0 {
		c.called = d.anyValue()
	}
	d.value, d.level = c.called, level
	defer func() { d.layout, d.value, d.level = before.layout, before.value, before.level }()
	kind := &value{kind: text, text: "object", step: "type", id: -2}
	object := &value{id: -1, kind: object, members: []member{{"type", kind}}, index: map[string]*value{"type": kind}}
	kind.parent = object
	return c.schema(from, source, object)
}

// schema draws what satisfies a schema and some more.
func (c *Composer) schema(from Node, source []byte, more ...*value) (Node, error) {
	doc, err := read(source, c.limits)
	if err != nil {
		return none, err
	}
	part := newCompiler(doc, c.limits, c.drawer, maxSteps)
	to := part.schema(from, append([]*value{doc.root}, more...))
	for len(part.pending) > 0 {
		body := part.pending[0]
		part.pending = part.pending[1:]
		body()
	}
	return to, errors.Join(part.faults...)
}

// Text draws the texts of a DFA.
func (c *Composer) Text(from Node, d *regex.DFA) Node { return d.Draw(c.Builder, from, c.Runes) }

// Budget is what is left for all that is drawn.
func (c *Composer) Budget() *automaton.Budget { return c.drawer.budget }

// Program builds what a rule draws.
func (c *Composer) Program(root automaton.Rule) (*automaton.Program, error) {
	p, err := c.Build(root, c.Budget())
	if errors.Is(err, automaton.ErrEmpty) {
		err = errors.New("no text can satisfy the schemas")
	}
	if err != nil {
		return nil, &Fault{Err: err}
	}
	return p, nil
}
