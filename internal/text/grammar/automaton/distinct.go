package automaton

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// role says what a rule is of a JSON list without repetition.
type role uint8

const (
	plain role = iota
	list       // what follows the bracket that begins the list, its end included
	item       // an item, written in one way only
)

// List marks a rule as what follows the [ of a JSON list in which no item is there
// twice.
func (b *Builder) List(r, item Rule) { b.rules[r].role, b.rules[r].item = list, item }

// Item marks a rule as an item of such a list. Equal items must be equal bytes. Items
// of which there are fewer than least are an error of Build.
func (b *Builder) Item(r Rule, least int) {
	b.rules[r].role = item
	b.rules[r].least = max(b.rules[r].least, least)
}

// Text is a text so far: its readings, and the items of lists without repetition in
// which it is. It is a value.
type Text struct {
	*Set
	lists []items
}

// Begin is the empty text.
func (m *Machine) Begin() Text { return Text{Set: m.Start()} }

// Read returns the text with more bytes; false when it cannot be recognized, or when an
// item would be there twice.
func (m *Machine) Read(t Text, more []byte) (Text, bool) {
	if len(t.lists) > 0 {
		t.lists = slices.Clone(t.lists)
		for i := range t.lists {
			t.lists[i].item = slices.Concat(t.lists[i].item, nil)
		}
	}
	for _, b := range more {
		t.Set = m.Step(t.Set, b)
		if t.Set == m.dead || len(t.lists) > 0 && !t.follow(b) {
			return t, false
		}
		if len(t.opened) > 0 {
			t.lists = append(t.lists, items{paths: t.opened})
		}
	}
	return t, true
}

// Distinguishes reports that there are lists without repetition: then not all that a
// Set allows may follow a Text.
func (m *Machine) Distinguishes() bool { return m.p.texts != nil }

// Suspects returns the bytes with which an item continues as another did, or may begin.
// What begins otherwise and has no comma, Read refuses only if a Set does.
func (t Text) Suspects() (first [256]bool) {
	for i := range t.lists {
		l := &t.lists[i]
		first[' '] = first[' '] || len(l.item) == 0
		first['\n'] = first['\n'] || len(l.item) == 0
		for _, s := range l.seen {
			if rest, like := strings.CutPrefix(s, string(l.item)); like && rest != "" {
				first[rest[0]] = true
			} else if like {
				first[' '], first['\n'], first[']'] = true, true, true
			}
		}
	}
	return first
}

// follow reads a byte into the lists, and reports whether each can still go on with an
// item that it does not have.
func (t *Text) follow(b byte) bool {
	kept := t.lists[:0]
	for _, l := range t.lists {
		if !l.read(b) {
			return false
		}
		left, alive := t.left(l.paths)
		if l.closed || !alive {
			continue
		}
		if like := l.begunLike(); !l.between && left > 0 && like >= left {
			return false
		}
		kept = append(kept, l)
	}
	if t.lists = kept; len(kept) == 0 {
		t.lists = nil // texts do not share what they append to
	}
	return true
}

// items is a list without repetition, as far as it is written.
type items struct {
	paths   []string // of the frames that read it
	seen    []string
	item    []byte // so far
	depth   int    // of brackets in the item
	quoted  bool   // in a string of the item
	escaped bool   // behind a backslash in a string
	between bool   // an item has ended
	closed  bool
}

// begunLike counts the items that begin as this one does.
func (l *items) begunLike() (n int) {
	for _, s := range l.seen {
		if strings.HasPrefix(s, string(l.item)) {
			n++
		}
	}
	return n
}

// read reads a byte. It is false if the byte ends an item that is there already.
func (l *items) read(b byte) bool {
	word := len(l.item) > 0 && !l.quoted && l.depth == 0 // a number, true, false or null
	if len(l.item) == 0 || word && bytes.IndexByte([]byte(" \n,]"), b) >= 0 {
		if word && !l.end() {
			return false
		}
		switch b {
		case ' ', '\n':
			return true
		case ',':
			l.between = false
			return true
		case ']':
			l.closed = true
			return true
		}
	}
	l.item = append(l.item, b)
	switch {
	case l.escaped:
		l.escaped = false
	case l.quoted && b == '\\':
		l.escaped = true
	case b == '"':
		l.quoted = !l.quoted
	case l.quoted:
	case b == '{' || b == '[':
		l.depth++
	case b == '}' || b == ']':
		l.depth--
	}
	if closes := b == '"' || b == '}' || b == ']'; closes && !l.quoted && !l.escaped && l.depth == 0 {
		return l.end()
	}
	return true
}

// end ends an item.
func (l *items) end() bool {
	if slices.Contains(l.seen, string(l.item)) {
		return false
	}
	l.seen = append(slices.Clip(l.seen), string(l.item))
	l.item, l.between = nil, true
	return true
}

// left is the number of items, at least, that can be written from here in a list that
// one of some frames reads, and whether any does.
func (s *Set) left(paths []string) (n int, alive bool) {
	for _, r := range s.readings {
		ways := s.counts[r.at]
		within := false // the item of which ways are counted
		for f := r.frame; f != nil; f = f.caller {
			if f.role == item {
				within = true
			}
			if f.role == list {
				if slices.Contains(paths, f.path) {
					alive = true
					if within {
						n = max(n, ways)
					}
					break
				}
				within = false
			}
			if !within {
				ways = min(ways*s.countOf(f), maxCount)
			}
		}
	}
	return n, alive
}

// maxCount is where counts of texts end.
const maxCount = 1 << 20

// countOf is the number of ways to go on behind a frame.
func (s *Set) countOf(f *frame) int {
	if f.caller == nil {
		return 1 // the bottom
	}
	return s.counts[f.to]
}

// counting bounds the work of counts, in visits to transitions.
const counting = 1 << 23

// counts finds for each state how many texts, at least, finish its rule. It counts
// every state once, and then again by what it leads to, which never counts too many.
func (p *Program) counts() []int {
	counts := make([]int, len(p.states))
	for q := range counts {
		counts[q] = 1
	}
	rounds := min(256, counting/(len(p.states)+len(p.moves)+len(p.calls)+1))
	for changed := true; changed && rounds > 0; rounds-- {
		changed = false
		for q := len(p.states) - 1; q >= 0; q-- {
			if n := p.countFrom(int32(q), counts); n > counts[q] {
				counts[q], changed = n, true
			}
		}
	}
	return counts
}

// countFrom counts the texts from a state by the counts of others. Several calls may read
// the same text, and nesting may end what is recursive.
func (p *Program) countFrom(q int32, counts []int) int {
	s := &p.states[q]
	if s.height > 0 {
		return 1
	}
	n := 0
	for _, m := range p.movesOf(q) {
		if p.states[m.to].height == 0 {
			n = min(n+int(m.hi-m.lo+1)*counts[m.to], maxCount)
		}
	}
	for _, c := range p.callsOf(q) {
		r := p.rules[c.rule]
		ways := counts[c.to]
		if r.weight == 0 {
			ways = min(ways*p.countOf(r, counts), maxCount)
		}
		n = max(n, ways)
	}
	if s.final {
		n++
	}
	return min(n, maxCount)
}

// countOf counts the texts of a rule. Of lists without repetition it counts those that
// differ in one item only.
func (p *Program) countOf(r rule, counts []int) int {
	if r.role != list {
		return counts[r.start]
	}
	item := p.rules[r.item]
	return max(1, min(counts[r.start], counts[item.start]-item.least))
}

// countItems counts texts if there are lists without repetition, and refuses items of
// which there are too few.
func (p *Program) countItems() error {
	if !slices.ContainsFunc(p.rules, func(r rule) bool { return r.role != plain }) {
		return nil
	}
	p.texts, p.begins = p.counts(), make([]bool, len(p.states))
	for _, r := range p.rules {
		p.begins[r.start] = p.begins[r.start] || r.role == list
	}
	for _, r := range p.rules {
		if r.role == item && p.texts[r.start] < r.least {
			return fmt.Errorf("%s: fewer than %d are known to exist", r.name, r.least)
		}
	}
	return nil
}
