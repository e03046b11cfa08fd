package jinja

import "context"

// Template is a parsed template. It is immutable.
type Template struct {
	body block
	read map[string]bool // variables of the caller
}

// Parse reads a template. A tag, filter or test that is not supported is an
// error here, even in a branch that is never taken.
func Parse(source string) (t *Template, err error) {
	defer catch(&err)
	p := &parser{tokens: lex(source), names: newNames()}
	return &Template{p.statements(), p.names.read}, nil
}

// Reads reports whether the template may read a variable of its caller. One of any
// other name has no effect.
func (t *Template) Reads(name string) bool { return t.read[name] }

// Render writes the template with these variables, in at most steps steps: one for
// a character written or copied, 32 for a node.
func (t *Template) Render(variables map[string]any, steps int) (Text, error) {
	return t.RenderWithin(context.Background(), variables, steps)
}

// RenderWithin is Render that stops with ctx; the error is then ctx's.
func (t *Template) RenderWithin(ctx context.Context, variables map[string]any, steps int) (text Text, err error) {
	defer catch(&err)
	s := &state{ctx: ctx, scope: &scope{names: variables}, work: steps, limit: steps, next: steps, filters: filters}
	defer s.enter(s.scope)() // what the template sets stays here
	t.body.exec(s)
	return s.out, nil
}
