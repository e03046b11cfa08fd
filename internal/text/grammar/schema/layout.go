package schema

import "github.com/hachi-serve/hachi/internal/text/grammar/automaton"

// layout is how much white space may stand between the tokens of JSON.
type layout int

const (
	// loose is nothing, a blank, or a line end and up to Limits.Indent blanks.
	loose layout = iota
	// tidy is what writers of JSON write: the blanks after a line end are those of an
	// indent by two or by four. Models that do not know a format well otherwise fill
	// calls with blanks.
	tidy
	// bare is none, and one way to write each value: equal values are equal bytes.
	bare
)

const (
	// maxByFour and maxUnknown are the maximum number of blanks of an indent by four,
	// and of one whose level is not known.
	maxByFour, maxUnknown = 8, 12
	// unknownLevel is the level of what is drawn once for many places.
	unknownLevel = -1
)

// indents reports whether n blanks after a line end may stand where values are level
// deep.
func (l layout) indents(n, level int) bool {
	switch {
	case l == loose || n == 0:
		return true
	case level < 0:
		return n%2 == 0 && n <= maxUnknown
	}
	return n == 2*level || n == 4*level && n <= maxByFour
}

// gap draws what may stand between the tokens of a list: before an entry.
func (d *drawer) gap(from Node) Node { return d.gapAt(from, d.level) }

// lastGap draws what may stand before the bracket that ends a list.
func (d *drawer) lastGap(from Node) Node { return d.gapAt(from, max(d.level-1, unknownLevel)) }

// gapAt draws a gap where values are level deep.
func (d *drawer) gapAt(from Node, level int) Node {
	if from == none || d.layout == bare {
		return from
	}
	to := d.Literal(from, " ")
	d.Empty(from, to)
	at := d.Literal(from, "\n")
	for n := range d.indent + 1 {
		if n > 0 {
			at = d.Literal(at, " ")
		}
		if d.layout.indents(n, level) {
			d.Empty(at, to)
		}
	}
	return to
}

// deeper is called before the entries of a list are drawn, and what it returns after
// its end.
func (d *drawer) deeper() (leave func()) {
	level := d.level
	if level >= 0 {
		d.level++
	}
	return func() { d.level = level }
}

// drawn sets how what follows is drawn: its layout, the rule of any value, and its
// level. What drawn returns takes that back.
func (d *drawer) drawn(l layout, value automaton.Rule, level int) (back func()) {
	before, old, deep := d.layout, d.value, d.level
	d.layout, d.value, d.level = l, value, level
	return func() { d.layout, d.value, d.level = before, old, deep }
}

// barely draws what follows bare.
func (d *drawer) barely() (back func()) {
	back = d.drawn(bare, d.value, unknownLevel)
	if d.bareValue == 0 {
		d.bareValue = d.anyValue()
	}
	d.value = d.bareValue
	return back
}
