package jinja

// Template is a parsed template. It is immutable.
type Template struct {
	body  block
	names map[string]bool
}

// Parse reads a template. A tag, filter or test that is not supported is an
// error here, even in a branch that is never taken.
func Parse(source string) (t *Template, err error) {
	defer catch(&err)
	p := &parser{tokens: lex(source)}
	names := map[string]bool{}
	for _, t := range p.tokens {
		if t.kind == tokenName {
			names[t.text] = true
		}
	}
	return &Template{p.statements(), names}, nil
}

// Reads reports whether a name is in the template's source. A variable of any
// other name has no effect.
func (t *Template) Reads(name string) bool { return t.names[name] }

// Render writes the template with these variables, in at most steps steps: one for
// a character written or copied, 32 for a node.
func (t *Template) Render(variables map[string]any, steps int) (text Text, err error) {
	defer catch(&err)
	s := &state{scope: &scope{names: variables}, work: steps, limit: steps, filters: filters}
	defer s.enter(s.scope)() // what the template sets stays here
	t.body.exec(s)
	return s.out, nil
}
