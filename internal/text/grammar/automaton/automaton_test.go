package automaton

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var roomy = Limits{Nesting: 8, Readings: 64, Sets: 1024}

// build draws a rule and what it calls.
func build(t *testing.T, draw func(b *Builder, root Rule)) (*Program, error) {
	t.Helper()
	b := NewBuilder(1 << 16)
	root := b.Rule("root")
	draw(b, root)
	return b.Build(root, NewBudget(1<<12, 1<<24))
}

// run reports whether a text is recognized, or how many bytes can be read.
func run(m *Machine, text string) (accepted bool, read int) {
	s := m.Start()
	for i := range len(text) {
		if s = m.Step(s, text[i]); s == m.Dead() {
			return false, i
		}
	}
	return s.Accepting(), len(text)
}

// brackets draws ( within [ ]: a list of lists.
func brackets(b *Builder, root Rule) {
	start, end := b.Body(root)
	in := b.Literal(start, "[")
	b.Call(in, root, in)
	b.Empty(b.Literal(in, "]"), end)
}

func TestNesting(t *testing.T) {
	p, err := build(t, brackets)
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMachine(p, Limits{Nesting: 3, Readings: 8, Sets: 64}, 0)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		text     string
		accepted bool
		read     int
	}{
		{"", false, 0},
		{"[]", true, 2},
		{"[[][[]]]", true, 8},
		{"[[[[]]]]", true, 8},
		{"[[[[[]]]]]", false, 4}, // one too deep
		{"[]]", false, 2},
		{"[[]", false, 3},
	}
	for _, tt := range tests {
		if accepted, read := run(m, tt.text); accepted != tt.accepted || read != tt.read {
			t.Errorf("%q: %v after %d, expected %v after %d", tt.text, accepted, read, tt.accepted, tt.read)
		}
	}
}

// TestMutualNesting: rules that call each other are inside themselves too.
func TestMutualNesting(t *testing.T) {
	p, err := build(t, func(b *Builder, root Rule) { // root: [other], other: (root) or x
		other := b.Rule("other")
		start, end := b.Body(root)
		in := b.Node()
		b.Call(b.Literal(start, "["), other, in)
		b.Empty(b.Literal(in, "]"), end)
		start, end = b.Body(other)
		b.Empty(b.Literal(start, "x"), end)
		in = b.Node()
		b.Call(b.Literal(start, "("), root, in)
		b.Empty(b.Literal(in, ")"), end)
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMachine(p, Limits{Nesting: 3, Readings: 8, Sets: 64}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"[x]": true, "[([x])]": true, "[([([x])])]": false} {
		if accepted, _ := run(m, text); accepted != want {
			t.Errorf("%q is %v", text, accepted)
		}
	}
}

// TestHeight: a text that must be nested n deep needs a limit of n, and within
// the limit no step leads where there is no way to the end.
func TestHeight(t *testing.T) {
	p, err := build(t, func(b *Builder, root Rule) { // a: x or (a); root: <a> <((a))>
		a := b.Rule("a")
		start, end := b.Body(a)
		b.Empty(b.Literal(start, "x"), end)
		after := b.Node()
		b.Call(b.Literal(start, "("), a, after)
		b.Empty(b.Literal(after, ")"), end)
		start, end = b.Body(root)
		first, second := b.Node(), b.Node()
		b.Call(b.Literal(start, "<"), a, first)
		b.Call(b.Literal(b.Literal(first, ">"), "("), a, second)
		b.Empty(b.Literal(second, ")"), end)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewMachine(p, Limits{Nesting: 0, Readings: 8, Sets: 64}, 0); !errors.Is(err, ErrTooLarge) {
		t.Errorf("no nesting: %v", err)
	}
	m, err := NewMachine(p, Limits{Nesting: 2, Readings: 8, Sets: 64}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for text, accepted := range map[string]bool{"<x>(x)": true, "<(x)>((x))": true, "<((x))>(x)": false} {
		if got, _ := run(m, text); got != accepted {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestRefused(t *testing.T) {
	tests := []struct {
		name string
		draw func(b *Builder, root Rule)
		want string
	}{
		{"left recursion", func(b *Builder, root Rule) {
			start, end := b.Body(root)
			b.Call(start, root, b.Literal(start, "x"))
			b.Empty(b.Literal(start, "y"), end)
		}, "root leads to itself"},
		{"left recursion through another", func(b *Builder, root Rule) {
			other := b.Rule("other")
			for _, pair := range [][2]Rule{{root, other}, {other, root}} {
				start, end := b.Body(pair[0])
				b.Call(start, pair[1], end)
			}
		}, "leads to itself"},
		{"no end", func(b *Builder, root Rule) {
			start, end := b.Body(root)
			at := b.Literal(start, "[")
			b.Call(at, root, end)
		}, ErrEmpty.Error()},
		{"called and empty", func(b *Builder, root Rule) {
			other := b.Rule("other")
			start, end := b.Body(other)
			b.Empty(start, end)
			start, end = b.Body(root)
			b.Call(start, other, end)
		}, "other is called and may be empty"},
		{"too many states", func(b *Builder, root Rule) {
			start, end := b.Body(root)
			b.Empty(b.Literal(start, strings.Repeat("x", 1<<12)), end)
		}, "too large"},
		{"too large a drawing", func(b *Builder, root Rule) {
			start, end := b.Body(root)
			b.Empty(b.Literal(start, strings.Repeat("x", 1<<20)), end)
		}, "too large"},
	}
	for _, tt := range tests {
		if _, err := build(t, tt.draw); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, expected %q", tt.name, err, tt.want)
		}
	}
}

// ambiguous draws [ ] pairs that two rules claim, so that every bracket doubles
// the readings.
func ambiguous(b *Builder, root Rule) {
	other := b.Rule("other")
	for _, r := range []Rule{root, other} {
		start, end := b.Body(r)
		in := b.Literal(start, "[")
		b.Call(in, root, in)
		b.Call(in, other, in)
		b.Empty(b.Literal(in, "]"), end)
	}
}

// TestReadings: a limit on readings narrows the language, never leads astray and
// answers the same however little is remembered.
func TestReadings(t *testing.T) {
	p, err := build(t, ambiguous)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewMachine(p, Limits{Nesting: 8, Readings: 2, Sets: 1}, 0); !errors.Is(err, ErrTooLarge) {
		t.Errorf("three readings at one place, and a limit of two: %v", err)
	}
	for _, readings := range []int{3, 4, 7, 64} {
		for _, sets := range []int{1, 3, 1024} {
			m, err := NewMachine(p, Limits{Nesting: 8, Readings: readings, Sets: sets}, 0)
			if err != nil {
				t.Fatal(err)
			}
			for depth := 1; depth <= 9; depth++ {
				text := strings.Repeat("[", depth) + strings.Repeat("]", depth)
				if accepted, read := run(m, text); !accepted {
					t.Errorf("%d readings, %d sets: %q ends at %d", readings, sets, text, read)
				}
			}
			if accepted, _ := run(m, strings.Repeat("[", 10)); accepted {
				t.Error("too deep")
			}
		}
	}
}

// TestRunes compares the drawing of a class with UTF-8 itself, at every edge.
func TestRunes(t *testing.T) {
	classes := [][]RuneRange{
		{{Lo: 0, Hi: utf8.MaxRune}},
		{{Lo: 0x7f, Hi: 0x80}, {Lo: 0x7ff, Hi: 0x800}, {Lo: 0xd7ff, Hi: 0xe000}, {Lo: 0xffff, Hi: 0x10000}},
		{{Lo: 0x3041, Hi: 0x3096}, {Lo: 0x30a1, Hi: 0x30fa}, {Lo: 0x4e00, Hi: 0x9fff}, {Lo: 0x20000, Hi: 0x2a6df}},
		{{Lo: 0x10ffff, Hi: 0x10ffff}},
		{{Lo: 0x123, Hi: 0x10234}},
	}
	for _, class := range classes {
		p, err := build(t, func(b *Builder, root Rule) {
			start, end := b.Body(root)
			b.Runes(start, class, end)
		})
		if err != nil {
			t.Fatal(err)
		}
		m, err := NewMachine(p, roomy, 0)
		if err != nil {
			t.Fatal(err)
		}
		for r := rune(0); r <= utf8.MaxRune; r++ {
			has := slices.ContainsFunc(class, func(c RuneRange) bool { return c.Lo <= r && r <= c.Hi })
			edge := slices.ContainsFunc(class, func(c RuneRange) bool { return abs(r-c.Lo) < 70 || abs(r-c.Hi) < 70 })
			if !utf8.ValidRune(r) || !edge && r%251 != 0 {
				continue
			}
			if accepted, _ := run(m, string(r)); accepted != has {
				t.Fatalf("%v: %U is %v, expected %v", class, r, accepted, has)
			}
		}
		for _, bad := range []string{"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe3\x81"} {
			if accepted, _ := run(m, bad); accepted {
				t.Errorf("%v: %q is accepted", class, bad)
			}
		}
	}
}

func abs(r rune) rune { return max(r, -r) }

// TestForgetting: a Set stays good after the Machine has forgotten it.
func TestForgetting(t *testing.T) {
	p, err := build(t, brackets)
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMachine(p, Limits{Nesting: 8, Readings: 8, Sets: 2}, 0)
	if err != nil {
		t.Fatal(err)
	}
	held := m.Step(m.Step(m.Start(), '['), '[')
	for range 10 {
		run(m, "[[[[][]]]]")
	}
	after := m.Step(m.Step(held, ']'), ']')
	if !after.Accepting() || after.Open() || held.Accepting() || !held.Open() {
		t.Errorf("accepting %v, open %v; held accepting %v, open %v", after.Accepting(), after.Open(), held.Accepting(), held.Open())
	}
}

// TestKindsApart: Sets that look alike within the horizon, and are not, because
// of what is nested or of which readings are forgotten.
func TestKindsApart(t *testing.T) {
	path := func(b *Builder, from Node, text string, to Node) { b.Empty(b.Literal(from, text), to) }
	// nested draws a rule inside itself: ! or (nested).
	nested := func(b *Builder) Rule {
		r := b.Rule("nested")
		start, end := b.Body(r)
		path(b, start, "!", end)
		in := b.Node()
		b.Call(b.Literal(start, "("), r, in)
		path(b, in, ")", end)
		return r
	}
	tests := []struct {
		name    string
		draw    func(b *Builder, root Rule)
		limits  Limits
		horizon int
		one     string
		other   string
	}{
		{"one must nest", func(b *Builder, root Rule) {
			start, end := b.Body(root)
			in, q, p := b.Node(), b.Literal(start, "q"), b.Literal(start, "p")
			b.Call(b.Literal(start, "<"), root, in)
			path(b, in, ">", end)
			path(b, q, "x", end)
			b.Call(b.Literal(q, "y"), nested(b), end)
			path(b, p, "x", end)
			path(b, p, "yw", end)
		}, Limits{Nesting: 1, Readings: 8, Sets: 64}, 1, "<q", "<p"},
		{"one is nested deeper", func(b *Builder, root Rule) {
			start, end := b.Body(root)
			deep := nested(b)
			for i, prefix := range []string{"a", "b"} {
				r := b.Rule(prefix)
				after := b.Node()
				b.Call(b.Literal(start, prefix), r, after)
				path(b, after, ".", end)
				from, to := b.Body(r)
				m := b.Literal(from, "m")
				path(b, m, "e", to)
				b.Call(b.Literal(m, "x"), deep, to)
				if i == 1 { // only b may be inside itself, beyond the horizon
					b.Call(b.Literal(m, "effff"), r, to)
				}
			}
		}, Limits{Nesting: 1, Readings: 8, Sets: 64}, 1, "am", "bm"},
		{"one forgets", func(b *Builder, root Rule) {
			start, end := b.Body(root)
			var rules [3]Rule
			for i := range rules {
				rules[i] = b.Rule("x")
				from, to := b.Body(rules[i])
				path(b, from, "x", to)
			}
			a, other := b.Literal(start, "a"), b.Literal(start, "b")
			for i, tail := range []string{"ppppu", "ppppv"} {
				after := b.Node()
				b.Call(a, rules[i], after)
				path(b, after, tail, end)
			}
			same, last := b.Node(), b.Node()
			b.Call(other, rules[0], same)
			b.Call(other, rules[1], same)
			path(b, same, "ppppw", end)
			b.Call(a, rules[2], last)
			b.Call(other, rules[2], last)
			path(b, last, "y", end)
		}, Limits{Nesting: 8, Readings: 4, Sets: 64}, 2, "a", "b"},
	}
	for _, tt := range tests {
		p, err := build(t, tt.draw)
		if err != nil {
			t.Fatal(err)
		}
		m, err := NewMachine(p, tt.limits, tt.horizon)
		if err != nil {
			t.Fatal(err)
		}
		after := func(text string) *Set {
			s := m.Start()
			for i := range len(text) {
				s = m.Step(s, text[i])
			}
			return s
		}
		letters := "<>!().abmefxyqpuvw"
		one, plain := future(m, after(tt.one), letters, tt.horizon)
		other, plainToo := future(m, after(tt.other), letters, tt.horizon)
		if one == other {
			t.Fatalf("%s: %q and %q have one future, %s", tt.name, tt.one, tt.other, one)
		}
		if after(tt.one).Kind() == after(tt.other).Kind() && (plain || plainToo) {
			t.Errorf("%s: %q and %q are of one kind, and plain", tt.name, tt.one, tt.other)
		}
	}
}
