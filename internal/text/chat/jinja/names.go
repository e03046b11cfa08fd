package jinja

import "maps"

// names finds the variables that a template reads of its caller: those that are read
// where the template itself has not given the name a value before, on every way there.
type names struct {
	bound map[string]bool // by the template, at this place of its source
	read  map[string]bool
}

func newNames() names { return names{map[string]bool{}, map[string]bool{}} }

// use notes that an expression reads a variable.
func (n *names) use(name string) {
	if !n.bound[name] {
		n.read[name] = true
	}
}

func (n *names) bind(name string) { n.bound[name] = true }

// bindTarget binds the names of a target. An attribute binds no name.
func (n *names) bindTarget(to target) {
	for _, part := range to.parts {
		n.bindTarget(part)
	}
	if to.name != "" && to.attribute == "" {
		n.bind(to.name)
	}
}

// scope begins a part of the source that may not be reached, or whose names end with it. The
// returned function ends it.
func (n *names) scope() (end func()) {
	outer := n.bound
	n.bound = maps.Clone(outer)
	return func() { n.bound = outer }
}

// keep unbinds what another way to this place has not bound.
func (n *names) keep(other map[string]bool) {
	maps.DeleteFunc(n.bound, func(name string, _ bool) bool { return !other[name] })
}
