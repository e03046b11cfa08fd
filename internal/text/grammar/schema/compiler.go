package schema

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
	"github.com/hachi-serve/hachi/internal/text/grammar/regex"
)

// Limits bound the work for one schema.
type Limits struct {
	Bytes  int // of the schema
	Depth  int // of members and items, as the schema's author counts them: see measure
	States int // of an automaton
	Steps  int // of the work, see automaton.Budget
	Indent int // blanks after a new line between the tokens of the text
}

const (
	// DrawingPerState is the maximum size of a drawing, per state.
	DrawingPerState = 8
	// stepsOfVisit is what a visit to a subschema takes from the Budget.
	stepsOfVisit = 16
	// maxSteps bounds visits to subschemas, repeated ones included.
	maxSteps = 1 << 16
	// maxCompares bounds comparisons of schemas and values.
	maxCompares = 1 << 20
	// maxDepth bounds the nesting of visits to subschemas.
	maxDepth = 256
)

func (l Limits) budget() *automaton.Budget { return automaton.NewBudget(l.States, l.Steps) }

// Object is the automaton of any JSON object.
func Object(l Limits) (*automaton.Program, error) {
	d := newDrawer(l, l.budget())
	r := d.Rule("a JSON object")
	start, end := d.Body(r)
	d.Empty(d.anyObject(start), end)
	return d.Build(r, d.budget)
}

// Compile makes the automaton of a schema. Its error is one *Fault or several,
// joined.
func Compile(source []byte, l Limits) (*automaton.Program, error) {
	doc, err := read(source, l)
	if err != nil {
		return nil, err
	}
	c := newCompiler(doc, l, newDrawer(l, l.budget()), maxSteps)
	return c.program(func(start Node) Node { return c.schema(start, []*value{doc.root}) })
}

// compiler draws a schema.
type compiler struct {
	*drawer
	doc     *document
	limits  Limits
	rules   map[string]automaton.Rule // by prefix and schemas
	pending []func()                  // bodies to draw
	checked map[*value]bool
	// languages are the patterns and formats that were compiled.
	languages map[string]language
	faults    []error
	steps     int // that are left
	compare   int // comparisons that are left
	depth     int
	// choosing counts the open choices. Inside one, a branch may have no values.
	choosing int
	large    bool // a limit was reached, and that was noted
}

func newCompiler(doc *document, l Limits, d *drawer, steps int) *compiler {
	return &compiler{drawer: d, doc: doc, limits: l, rules: map[string]automaton.Rule{}, checked: map[*value]bool{}, languages: map[string]language{}, steps: steps, compare: maxCompares}
}

// program draws a root and all that it calls, and builds it.
func (c *compiler) program(draw func(start Node) Node) (*automaton.Program, error) {
	root := c.Rule("the schema")
	start, end := c.Body(root)
	c.Empty(draw(start), end)
	for len(c.pending) > 0 {
		body := c.pending[0]
		c.pending = c.pending[1:]
		body()
	}
	if len(c.faults) > 0 {
		return nil, errors.Join(c.faults...)
	}
	p, err := c.Build(root, c.budget)
	if errors.Is(err, automaton.ErrEmpty) {
		err = errors.New("no text can satisfy the schema")
	}
	if err != nil {
		return nil, &Fault{Err: err}
	}
	return p, nil
}

// schema draws what satisfies all of some schemas.
func (c *compiler) schema(from Node, all []*value) Node {
	if len(all) == 0 {
		return c.call(from, c.value)
	}
	if from == none || !c.enter(all[0]) {
		return none
	}
	defer func() { c.depth-- }()
	f := c.flatten(all)
	switch {
	case f == nil:
		return none
	case f.target != nil:
		return c.refer(from, []*value{f.target})
	case f.refers:
		return c.refer(from, all)
	}
	return c.expand(from, f)
}

// refer calls the rule of some schemas.
func (c *compiler) refer(from Node, all []*value) Node {
	return c.call(from, c.rule("", all, func(start Node) Node {
		switch f := c.flatten(all); {
		case f == nil:
			return none
		case f.target != nil:
			return c.refer(start, []*value{f.target})
		default:
			return c.expand(start, f)
		}
	}))
}

// enter counts a step and fails beyond maxSteps.
func (c *compiler) enter(v *value) bool {
	if c.steps--; c.steps < 0 || !c.budget.Spend(stepsOfVisit) || c.depth >= maxDepth || c.Full() {
		if !c.large {
			c.fault(v, "the schema is %w here, or contains itself", automaton.ErrTooLarge)
		}
		c.large = true
		return false
	}
	c.depth++
	return true
}

// charge counts the steps of a computation with an automaton.
func (c *compiler) charge(d *regex.DFA) { c.steps -= d.States() / 16 }

// rule returns the rule that a prefix and some schemas name; its body is drawn
// once, later.
func (c *compiler) rule(prefix string, all []*value, body func(start Node) Node) automaton.Rule {
	key, name, layout, value := prefix, prefix, c.layout, c.value
	if layout == bare {
		key = "bare " + prefix
	}
	for i, v := range all {
		key += " " + strconv.Itoa(v.id)
		if i > 0 {
			name += " and "
		}
		name += fmt.Sprintf("#%.200s", v.pointer())
	}
	r, ok := c.rules[key]
	if !ok {
		r = c.Rule(name)
		c.rules[key] = r
		c.pending = append(c.pending, func() {
			defer c.drawn(layout, value, unknownLevel)()
			start, end := c.Body(r)
			c.Empty(body(start), end)
		})
	}
	return r
}

// flat is some schemas laid side by side: a text must satisfy every part and
// one branch of every choice.
type flat struct {
	parts   []*value // objects, whose references and branches are not looked at
	choices [][]*value
	refers  bool   // a $ref was followed
	target  *value // set when there is nothing but one $ref, to this
}

// flatten lays schemas side by side, or finds that they are one reference. It
// returns nil when one of them is false.
func (c *compiler) flatten(all []*value) *flat {
	if target := c.reference(all); target != nil {
		return &flat{target: target}
	}
	return c.layAll(all)
}

func (c *compiler) layAll(all []*value) *flat {
	f := &flat{}
	path := map[*value]bool{}
	for _, v := range all {
		if !c.lay(f, v, path) {
			return nil
		}
	}
	return f
}

// reference returns what a schema refers to, if it is only a reference.
func (c *compiler) reference(all []*value) *value {
	if len(all) != 1 || all[0].get("$ref") == nil || !c.check(all[0]) {
		return nil
	}
	for _, m := range all[0].members {
		if m.name != "$ref" && !silent(m.name) {
			return nil
		}
	}
	return c.target(all[0].get("$ref"))
}

// target resolves a $ref; nil if it has recorded a fault.
func (c *compiler) target(ref *value) *value {
	target, err := c.doc.resolve(ref.text)
	if err != nil {
		c.fault(ref, "%w", err)
		return nil
	}
	return target
}

// lay adds a schema, its allOf and its $ref.
func (c *compiler) lay(f *flat, v *value, path map[*value]bool) bool {
	if !c.check(v) || v.is(false) {
		return false
	}
	c.budget.Spend(1 + len(f.parts)/8)
	if v.is(true) || slices.Contains(f.parts, v) {
		return true
	}
	if not := v.get("not"); not != nil && !not.is(false) {
		return false // check allows only the schemas that all values satisfy
	}
	if path[v] {
		c.fault(v, "the schema refers to itself before anything is read")
		return false
	}
	path[v] = true
	defer delete(path, v)
	if ref := v.get("$ref"); ref != nil {
		f.refers = true
		target := c.target(ref)
		if target == nil || !c.lay(f, target, path) {
			return false
		}
	}
	if all := v.get("allOf"); all != nil {
		for _, item := range all.items {
			if !c.lay(f, item, path) {
				return false
			}
		}
	}
	for _, name := range []string{"anyOf", "oneOf"} {
		if choice := v.get(name); choice != nil {
			f.choices = append(f.choices, choice.items)
		}
	}
	f.parts = append(f.parts, v)
	return true
}

// expand draws every way to choose.
func (c *compiler) expand(from Node, f *flat) Node {
	if len(f.choices) == 0 {
		return c.typed(from, f.parts)
	}
	single := len(f.choices) == 1 && !slices.ContainsFunc(f.parts, asserts)
	to := c.Node()
	for _, branch := range f.choices[0] {
		if single {
			c.Empty(c.schema(from, []*value{branch}), to)
		} else {
			c.Empty(c.chosen(from, f, branch), to)
		}
	}
	return to
}

// chosen draws what satisfies all of f with one branch of its first choice.
func (c *compiler) chosen(from Node, f *flat, branch *value) Node {
	if !c.enter(branch) {
		return none
	}
	c.choosing++
	defer func() { c.depth--; c.choosing-- }()
	g := c.choose(f, branch)
	if g == nil {
		return none
	}
	return c.expand(from, g)
}

// choose replaces the first choice of f by one of its branches, nil when that is
// false.
func (c *compiler) choose(f *flat, branch *value) *flat {
	g := c.layAll([]*value{branch})
	if g == nil {
		return nil
	}
	c.budget.Spend(len(f.parts) * (1 + len(g.parts)/8))
	g.parts = union(f.parts, g.parts)
	g.choices = append(slices.Clone(f.choices[1:]), g.choices...)
	return g
}

// union appends the values that are not there yet.
func union(a, b []*value) []*value {
	a = slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(a, v) {
			a = append(a, v)
		}
	}
	return a
}
