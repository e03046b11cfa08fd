package schema

import (
	"fmt"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
	"github.com/hachi-serve/hachi/internal/text/grammar/regex"
)

// Node is a point of a drawing. Every function that draws starts at a node and
// returns where what it drew ends.
type Node = automaton.Node

const none = automaton.None

// Digits that numbers may have. Integers of 18 digits fit int64. Of two numbers of
// 15 digits in all, the greater is also the greater float64, so a reader of
// float64 finds them within the same bounds. An exponent of two digits fits
// float64.
const (
	integerDigits  = 18
	numberDigits   = 15
	exponentDigits = 2
)

// drawer draws the parts of JSON.
type drawer struct {
	*automaton.Builder
	budget    *automaton.Budget
	indent    int
	value     automaton.Rule // any value
	bareValue automaton.Rule // any value that is no list, bare; 0 before it is drawn
	character automaton.Rule // one character of a string
	blocks    map[blockKey]automaton.Rule
	layout    layout
	level     int // of the lists around what is drawn, or unknownLevel
}

func newDrawer(l Limits, budget *automaton.Budget) *drawer {
	d := &drawer{Builder: automaton.NewBuilder(l.States * DrawingPerState), budget: budget, indent: l.Indent, blocks: map[blockKey]automaton.Rule{}}
	d.character = d.Rule("a character")
	start, end := d.Body(d.character)
	d.anyCharacter(start, end)
	d.value = d.anyValue()
	return d
}

// anyValue draws a rule for any value, in the layout of the drawer.
func (d *drawer) anyValue() automaton.Rule {
	level := d.level
	d.level = unknownLevel
	defer func() { d.level = level }()
	r := d.Rule("a JSON value")
	before := d.value
	d.value = r
	defer func() { d.value = before }()
	start, end := d.Body(r)
	parts := []func(Node) Node{d.anyObject, d.anyArray, d.anyText, d.anyNumber}
	if d.layout == bare {
		parts = []func(Node) Node{d.anyText, func(from Node) Node { return d.numbers(from, interval{}, nil, true) }}
	}
	for _, part := range parts {
		d.Empty(part(start), end)
	}
	for _, word := range []string{"true", "false", "null"} {
		d.Empty(d.Literal(start, word), end)
	}
	return r
}

// call draws what a rule recognizes.
func (d *drawer) call(from Node, r automaton.Rule) Node {
	if from == none {
		return none
	}
	to := d.Node()
	d.Call(from, r, to)
	return to
}

// colon draws what stands between a name and its value.
func (d *drawer) colon(from Node) Node {
	at := d.Literal(from, ":")
	if d.layout == bare {
		return at
	}
	to := d.Literal(at, " ")
	d.Empty(at, to)
	return to
}

func (d *drawer) anyObject(from Node) Node {
	name := func(from Node) Node { return d.call(d.colon(d.anyText(from)), d.value) }
	return d.list(from, "{", name, "}")
}

func (d *drawer) anyArray(from Node) Node {
	return d.list(from, "[", func(from Node) Node { return d.call(from, d.value) }, "]")
}

// list draws any number of entries between brackets.
func (d *drawer) list(from Node, open string, entry func(from Node) Node, end string) Node {
	defer d.deeper()()
	start, again := d.gap(d.Literal(from, open)), d.Node()
	d.Empty(start, again)
	to := d.Literal(start, end)
	after := entry(again)
	d.Empty(d.gap(d.Literal(after, ",")), again)
	d.Empty(d.Literal(d.lastGap(after), end), to)
	return to
}

func (d *drawer) anyText(from Node) Node {
	in := d.Literal(from, `"`)
	if d.layout == bare {
		d.spelled(in, regex.Scalars(), in)
		return d.Literal(in, `"`)
	}
	d.anyCharacter(in, in)
	return d.Literal(in, `"`)
}

// raw is the characters that a JSON string may hold as they are.
func raw() []regex.Range {
	return []regex.Range{{Lo: ' ', Hi: '!'}, {Lo: '#', Hi: '['}, {Lo: ']', Hi: 0xd7ff}, {Lo: 0xe000, Hi: utf8.MaxRune}}
}

// anyCharacter draws one character of a string, however it is written.
// Surrogates come in pairs.
func (d *drawer) anyCharacter(from, to Node) {
	d.Runes(from, raw(), to)
	escape := d.Literal(from, `\`)
	for _, b := range []byte(`"\/bfnrt`) {
		d.Byte(escape, b, b, to)
	}
	unicode := d.Literal(escape, "u")
	three, two := d.Node(), d.Node()
	d.hex(three, two, "09", "af", "AF")
	d.hex(unicode, three, "09", "ac", "AC", "ef", "EF")
	surrogate, pair := d.Node(), d.Node()
	d.hex(unicode, surrogate, "dd", "DD")
	d.hex(surrogate, two, "07")
	d.hex(surrogate, pair, "89", "ab", "AB")
	low, second := d.Node(), d.Node()
	d.hex(d.hexes(pair, 2), low, `\\`)
	d.hex(d.Literal(low, "u"), second, "dd", "DD")
	d.hex(second, two, "cf", "CF")
	d.Empty(d.hexes(two, 2), to)
}

// hex joins two nodes by bytes of ranges, each written as its two ends.
func (d *drawer) hex(from, to Node, ranges ...string) {
	for _, r := range ranges {
		d.Byte(from, r[0], r[1], to)
	}
}

func (d *drawer) hexes(from Node, n int) Node {
	for range n {
		to := d.Node()
		d.hex(from, to, "09", "af", "AF")
		from = to
	}
	return from
}

// quoted draws a text the one way hachi writes it.
func (d *drawer) quoted(from Node, s string) Node { return d.Literal(from, quote(s)) }

// quote writes a text as a JSON string: only what must be escaped is.
func quote(s string) string {
	out := []byte{'"'}
	for _, r := range s {
		out = append(out, spell(r)...)
	}
	return string(append(out, '"'))
}

// spell writes a character of a string the one way hachi does.
func spell(r rune) string {
	switch r {
	case '"', '\\':
		return `\` + string(r)
	case '\b':
		return `\b`
	case '\f':
		return `\f`
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	if r < ' ' {
		return fmt.Sprintf(`\u%04x`, r)
	}
	return string(r)
}

// spelled joins two nodes by the characters of a class, each as spell has it.
func (d *drawer) spelled(from Node, class []regex.Range, to Node) {
	var plain []regex.Range
	for _, r := range class {
		for _, p := range raw() {
			if lo, hi := max(r.Lo, p.Lo), min(r.Hi, p.Hi); lo <= hi {
				plain = append(plain, regex.Range{Lo: lo, Hi: hi})
			}
		}
	}
	d.Runes(from, plain, to)
	nodes := map[string]Node{"": from} // by what is written of an escape
	for _, r := range class {
		for c := r.Lo; c <= min(r.Hi, '\\'); c++ {
			if c >= ' ' && c != '"' && c != '\\' {
				continue
			}
			s := spell(c)
			for i := range len(s) - 1 {
				if _, ok := nodes[s[:i+1]]; !ok {
					nodes[s[:i+1]] = d.Literal(nodes[s[:i]], s[i:i+1])
				}
			}
			d.Byte(nodes[s[:len(s)-1]], s[len(s)-1], s[len(s)-1], to)
		}
	}
}

func (d *drawer) digit(from Node) Node {
	to := d.Node()
	d.Byte(from, '0', '9', to)
	return to
}

// digits draws minLen to maxLen digits.
func (d *drawer) digits(from Node, minLen, maxLen int) Node {
	to := d.Node()
	for i := range maxLen {
		if i >= minLen {
			d.Empty(from, to)
		}
		from = d.digit(from)
	}
	d.Empty(from, to)
	return to
}

// anyInteger draws an integer in digits; -0 is none.
func (d *drawer) anyInteger(from Node) Node {
	to, first := d.Literal(from, "0"), d.Node()
	for _, start := range []Node{from, d.Literal(from, "-")} {
		d.Byte(start, '1', '9', first)
	}
	d.Empty(d.digits(first, 0, integerDigits-1), to)
	return to
}

func (d *drawer) anyNumber(from Node) Node {
	sign := d.Literal(from, "-")
	d.Empty(from, sign)
	whole := d.Literal(sign, "0")
	first := d.Node()
	d.Byte(sign, '1', '9', first)
	d.Empty(d.digits(first, 0, numberDigits-1), whole)
	parts := d.digits(d.Literal(whole, "."), 1, numberDigits)
	d.Empty(whole, parts)
	exponent, power := d.Node(), d.Node()
	d.hex(parts, exponent, "ee", "EE")
	d.Empty(exponent, power)
	d.hex(exponent, power, "++", "--")
	to := d.digits(power, 1, exponentDigits)
	d.Empty(parts, to)
	return to
}
