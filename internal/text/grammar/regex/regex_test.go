package regex

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
)

var patterns = []string{
	``, `a`, `abc`, `a|b`, `(a|b)*c`, `a+?b{2,3}`, `^a`, `a$`, `^a$`, `^$`, `a^b`, `$a`, `(^a|b)c`, `(a|b$)c?`, `(?:^|x)a(?:$|y)`,
	`[a-c]x?`, `[^a-c]`, `.`, `.*a.`, `\d+-\d+`, `\w\s\W`, `(?i)aB`, `(?i)k`, `(?s).a`, `[[:alpha:]]+`, `\pL`, `\p{Greek}b`,
	`日本|[あ-ん]{2}`, `a{0}`, `a{2,}`, `(a*)*b`, `(a|aa)+$`, `^(a|b)?a(a|b){3}$`, `\Aab\z`, `x{3}|^y`,
}

// texts are random, of letters on which the patterns turn.
func texts(seed uint64, n int) []string {
	r := rand.New(rand.NewPCG(seed, 8))
	letters := []rune("aaabbbcxykKK \n-01日本あいαΩ𠮷\u00a0")
	out := []string{""}
	for range n {
		var s strings.Builder
		for range r.IntN(7) {
			s.WriteRune(letters[r.IntN(len(letters))])
		}
		out = append(out, s.String())
	}
	return out
}

// compare holds a DFA against package regexp.
func compare(t *testing.T, pattern string, texts []string) {
	t.Helper()
	part := regexp.MustCompile(pattern)
	whole := regexp.MustCompile(`\A(?:` + pattern + `)\z`)
	for _, search := range []bool{false, true} {
		d, err := Compile(pattern, Options{Search: search, Alphabet: Scalars(), Budget: automaton.NewBudget(1<<12, 1<<22)})
		if errors.Is(err, automaton.ErrTooLarge) {
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", pattern, err)
			return
		}
		for _, text := range texts {
			want := whole.MatchString(text)
			if search {
				want = part.MatchString(text)
			}
			if got := d.Match(text); got != want {
				t.Errorf("%q, search %v: %q is %v, expected %v", pattern, search, text, got, want)
			}
		}
	}
}

func TestCompile(t *testing.T) {
	for _, p := range patterns {
		compare(t, p, texts(1, 400))
	}
}

func TestRefused(t *testing.T) {
	for pattern, want := range map[string]string{
		`a\b`:                            "word boundaries",
		`(?m)^a$`:                        "line anchors",
		`a(`:                             "missing closing )",
		`a{1001}`:                        "invalid repeat count",
		`(?:a|b)*a(?:a|b){9}c(?:a|b){9}`: "too large",
	} {
		_, err := Compile(pattern, Options{Alphabet: Scalars(), Budget: automaton.NewBudget(256, 1<<22)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, expected %q", pattern, err, want)
		}
	}
}

func TestCombine(t *testing.T) {
	compile := func(p string, search bool) *DFA {
		d, err := Compile(p, Options{Search: search, Alphabet: Scalars(), Budget: automaton.NewBudget(1<<12, 1<<22)})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, p := range patterns {
		for _, q := range []string{`a`, `^.{2,4}$`, `[^b]$`, `日`} {
			a, b := compile(p, true), compile(q, true)
			both, err := a.Intersect(b, automaton.NewBudget(1<<12, 1<<22))
			if err != nil {
				t.Fatal(err)
			}
			only, err := a.Minus(b, automaton.NewBudget(1<<12, 1<<22))
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range texts(2, 200) {
				x, y := a.Match(text), b.Match(text)
				if both.Match(text) != (x && y) || only.Match(text) != (x && !y) {
					t.Errorf("%q and %q: %q: %v, %v; both %v, only %v", p, q, text, x, y, both.Match(text), only.Match(text))
				}
			}
		}
	}
	if d, err := compile(`a`, false).Intersect(compile(`b`, false), automaton.NewBudget(9, 1<<22)); err != nil || !d.Empty() {
		t.Errorf("a and b: %v, empty %v", err, d.Empty())
	}
}

func TestWordsAndLengths(t *testing.T) {
	d := Words([]string{"日本", "a", "日", "", "ab", "a"})
	for text, want := range map[string]bool{"": true, "a": true, "ab": true, "b": false, "日": true, "日本": true, "日本a": false} {
		if d.Match(text) != want {
			t.Errorf("words: %q is %v", text, !want)
		}
	}
	for _, tt := range []struct {
		minLen, maxLen int
		fits           string // by length
	}{{0, -1, "yyyyy"}, {2, -1, "nnyyy"}, {0, 0, "ynnnn"}, {1, 3, "nyyyn"}, {3, 3, "nnnyn"}, {0, 1, "yynnn"}} {
		d := Length(tt.minLen, tt.maxLen)
		for n, fits := range tt.fits {
			if got := d.Match(strings.Repeat("𠮷", n)); got != (fits == 'y') {
				t.Errorf("%d to %d: length %d is %v", tt.minLen, tt.maxLen, n, got)
			}
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, p := range patterns {
		f.Add(p, "ab")
	}
	f.Add(`[^\x00-\x{10FFFF}]`, "")
	f.Add(`(((a{30}){30}){30})`, "a")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if _, err := regexp.Compile(pattern); err != nil || !utf8.ValidString(text) {
			return
		}
		if _, err := Compile(pattern, Options{Alphabet: Scalars(), Budget: automaton.NewBudget(64, 1<<22)}); err != nil {
			return
		}
		if _, err := regexp.Compile(`\A(?:` + pattern + `)\z`); err != nil {
			return
		}
		compare(t, pattern, append(texts(3, 20), text))
	})
}

// TestMarks: a mark says what must follow its place, and is no part of the text.
func TestMarks(t *testing.T) {
	budget := automaton.NewBudget(1<<12, 1<<22)
	marks := []Range{{Lo: '#', Hi: '#'}, {Lo: '%', Hi: '%'}}
	compile := func(expression string) *DFA {
		d, err := Compile(expression, Options{Alphabet: Scalars(), Marks: marks, Budget: budget})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for text, want := range map[string]bool{"ab": true, "#a%%b#": true, "a#": false, "ba": false} {
		if got := compile(`ab`).Ignoring(marks).Match(text); got != want {
			t.Errorf("ignoring marks, %q is %v", text, got)
		}
	}
	behind, err := compile(`b+`).Behind(marks[0], budget)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"a#b": true, "#bb": true, "a#a#b": true, "a#a": false, "ab": false, "a%b": false} {
		if got := behind.Match(text); got != want {
			t.Errorf("behind a mark, %q is %v", text, got)
		}
	}
	erased, err := compile(`(a#.|%.[^c])*`).Erasing(marks, budget)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"": true, "ab": true, "xy": true, "abxy": true, "xc": false, "a": false, "ac": true, "a#": false, "#": false} {
		if got := erased.Match(text); got != want {
			t.Errorf("without marks, %q is %v", text, got)
		}
	}
	if _, err := compile(`(#a|b)*a(a|b){9}`).Erasing(marks, automaton.NewBudget(100, 1<<20)); !errors.Is(err, automaton.ErrTooLarge) {
		t.Errorf("more states than the budget has: %v", err)
	}
}

func TestUnion(t *testing.T) {
	for i, a := range patterns {
		b := patterns[(i*7+3)%len(patterns)]
		options := Options{Alphabet: Scalars(), Budget: automaton.NewBudget(1<<12, 1<<22)}
		x, err := Compile(a, options)
		if err != nil {
			t.Fatal(err)
		}
		y, err := Compile(b, options)
		if err != nil {
			t.Fatal(err)
		}
		both, err := x.Union(y, automaton.NewBudget(1<<12, 1<<22))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts(uint64(i), 200) {
			if got, want := both.Match(text), x.Match(text) || y.Match(text); got != want {
				t.Errorf("%q or %q: %q is %v", a, b, text, got)
			}
		}
	}
}

func TestList(t *testing.T) {
	for expression, want := range map[string]string{
		`a|bc|日本?`: "a bc 日 日本", `[a-c]{2}`: "aa ab ac ba bb bc ca cb cc", ``: "", `a*`: "none", `[a-z]{2}`: "none", `\pL`: "none",
	} {
		d, err := Compile(expression, Options{Alphabet: Scalars(), Budget: automaton.NewBudget(1<<12, 1<<22)})
		if err != nil {
			t.Fatal(err)
		}
		words, ok := d.List(16)
		if got := strings.Join(words, " "); ok != (want != "none") || ok && got != want {
			t.Errorf("%q: %q, %v, expected %q", expression, got, ok, want)
		}
	}
	if words, ok := Words(nil).List(4); !ok || len(words) != 0 {
		t.Errorf("the empty language: %q, %v", words, ok)
	}
}

// TestResidue: every text over the classes has exactly one residue.
func TestResidue(t *testing.T) {
	classes := [][]Range{{{Lo: 'a', Hi: 'a'}, {Lo: 'x', Hi: 'z'}}, {{Lo: 'b', Hi: 'c'}}, {{Lo: 0x80, Hi: 0xd7ff}}}
	for _, text := range []string{"", "a", "b", "bcz", "日本", "日bx", "bbbbb"} {
		count := 0
		for want := range classes {
			if Residue(classes, want).Match(text) {
				count++
			}
		}
		if count != 1 {
			t.Errorf("%q has %d residues", text, count)
		}
	}
	if Residue(classes, 2).Match("q") {
		t.Error("a character outside of the classes is accepted")
	}
	if !Residue(classes, 1).Match("日本") {
		t.Error("the indices of two characters do not add up")
	}
}
