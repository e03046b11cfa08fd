package jinja

import "context"

// state is one rendering.
type state struct {
	ctx   context.Context
	next  int // work that is left at the next look at ctx
	scope *scope
	out   Text
	work  int // left
	depth int // of macro calls
	limit int // of the work

	filters map[string]filter
}

// scope holds the names of a block; a name that is not here is looked for in
// the scope around it.
type scope struct {
	names  map[string]any
	around *scope
}

func (c *scope) get(name string) (any, bool) {
	for ; c != nil; c = c.around {
		if v, ok := c.names[name]; ok {
			return v, true
		}
	}
	return nil, false
}

func (c *scope) set(name string, v any) {
	if c.names == nil {
		c.names = map[string]any{}
	}
	c.names[name] = v
}

// enter opens a scope; call what it returns to close it.
func (s *state) enter(around *scope) func() {
	last := s.scope
	s.scope = &scope{around: around}
	return func() { s.scope = last }
}

// nodeSteps is the steps of evaluating a node: it takes about as long as copying
// nodeSteps characters.
const nodeSteps = 32

// size is the number of characters or elements that a builtin may visit.
func size(v any) int {
	switch v := v.(type) {
	case Text:
		return len(v)
	case *Dict:
		return len(v.keys)
	}
	items, _ := sequence(v)
	return len(items)
}

// lookEvery is the number of steps between looks at the context.
const lookEvery = 1 << 16

// spend counts steps, and fails beyond the bound.
func (s *state) spend(line, n int) {
	if s.work -= n; s.work < 0 {
		fail(line, "the template takes more than %d steps", s.limit)
	}
	if s.work <= s.next {
		s.next = s.work - lookEvery
		if err := s.ctx.Err(); err != nil {
			panic(stopped{err})
		}
	}
}

// capture is what f writes.
func (s *state) capture(f func()) Text {
	last := s.out
	s.out = nil
	f()
	written := s.out
	s.out = last
	return written
}
