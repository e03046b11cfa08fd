package schema

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
	"github.com/hachi-serve/hachi/internal/text/grammar/regex"
)

// ecmaPattern returns the texts in which an ECMAScript pattern is found, and the
// characters that they may have. What ECMAScript and RE2 read differently is
// refused, or the characters on which they disagree are left out of the texts: so
// both find the pattern.
func ecmaPattern(pattern string, budget *automaton.Budget) (*regex.DFA, []regex.Range, error) {
	looks, rest, err := takeLooks(pattern)
	if err != nil {
		return nil, nil, err
	}
	var marks []regex.Range
	for _, l := range looks {
		marks = append(marks, regex.Range{Lo: l.mark, Hi: l.mark})
	}
	d, alphabet, err := plainPattern(rest, marks, budget)
	if err != nil || looks == nil {
		return d, alphabet, err
	}
	for _, l := range looks {
		if d, alphabet, err = l.narrow(d, alphabet, marks, budget); err != nil {
			return nil, nil, err
		}
	}
	if d, err = d.Erasing(marks, budget); err != nil {
		return nil, nil, err
	}
	alphabet = shared(alphabet, []regex.Range{{Lo: 0, Hi: firstMark - 1}, {Lo: lastMark + 1, Hi: utf8.MaxRune}})
	d, err = d.Intersect(regex.Class(alphabet), budget)
	return d, alphabet, err
}

// plainPattern is ecmaPattern for a pattern without look-ahead, which may have marks.
func plainPattern(pattern string, marks []regex.Range, budget *automaton.Budget) (*regex.DFA, []regex.Range, error) {
	s := &patternScanner{rest: pattern}
	for s.rest != "" {
		if err := s.next(); err != nil {
			return nil, nil, err
		}
	}
	alphabet := s.alphabet()
	d, err := regex.Compile(s.out.String(), regex.Options{Search: true, Alphabet: alphabet, Marks: marks, Budget: budget})
	return d, alphabet, err
}

// patternScanner rewrites an ECMAScript pattern for RE2.
type patternScanner struct {
	rest     string
	out      strings.Builder
	class    bool // within [ and ]
	dot, gap bool // . and \s or \S occur
}

// alphabet leaves out the ends of lines that only one of the two excludes from
// the dot, and the blanks that only one of the two counts as \s.
func (s *patternScanner) alphabet() []regex.Range {
	var out []rune
	if s.dot {
		out = append(out, '\r', 0x2028, 0x2029)
	}
	if s.gap {
		out = append(out, '\v', 0xa0, 0x1680, 0x202f, 0x205f, 0x3000, 0xfeff)
		for r := rune(0x2000); r <= 0x200a; r++ {
			out = append(out, r)
		}
		out = append(out, 0x2028, 0x2029)
	}
	return without(regex.Scalars(), out)
}

// without takes some characters out of ranges.
func without(ranges []regex.Range, out []rune) []regex.Range {
	for _, r := range out {
		var kept []regex.Range
		for _, k := range ranges {
			if r < k.Lo || r > k.Hi {
				kept = append(kept, k)
				continue
			}
			if k.Lo < r {
				kept = append(kept, regex.Range{Lo: k.Lo, Hi: r - 1})
			}
			if r < k.Hi {
				kept = append(kept, regex.Range{Lo: r + 1, Hi: k.Hi})
			}
		}
		ranges = kept
	}
	return ranges
}

// take moves n bytes to the output.
func (s *patternScanner) take(n int) error {
	s.out.WriteString(s.rest[:n])
	s.rest = s.rest[n:]
	return nil
}

func (s *patternScanner) next() error {
	has := func(prefix string) bool { return strings.HasPrefix(s.rest, prefix) }
	switch {
	case has(`\`):
		return s.escape()
	case s.class && has("[:"):
		return errors.New("classes like [:alpha:] are not ECMAScript")
	case s.class:
		s.class = !has("]")
	case has("[]"), has("[^]"):
		return errors.New("empty classes are not supported")
	case has("["):
		s.class = true
		if has("[^") {
			return s.take(2)
		}
	case has("(?<=") || has("(?<!"):
		return errors.New("look-around is supported as look-ahead only, (?=...) and (?!...)")
	case has("(?") && !has("(?:") && !has("(?<"):
		return errors.New("groups are supported in the forms (...), (?:...) and (?<name>...)")
	case has("."):
		s.dot = true
	}
	return s.take(1)
}

// escape reads a backslash and what it escapes.
func (s *patternScanner) escape() error {
	if len(s.rest) < 2 {
		return errors.New("the pattern ends in a backslash")
	}
	switch e := s.rest[1]; {
	case e == 'u':
		return s.unicode()
	case e == 'b' && s.class:
		s.out.WriteString(`\x08`)
		s.rest = s.rest[2:]
		return nil
	case e == 's' || e == 'S':
		s.gap = true
		return s.take(2)
	case e == 'b' || e == 'B':
		return errors.New(`word boundaries (\b, \B) are not supported`)
	case e == '0':
		if len(s.rest) > 2 && '0' <= s.rest[2] && s.rest[2] <= '9' {
			return errors.New("octal escapes are not supported")
		}
		return s.take(2)
	case e == 'x':
		if len(s.rest) < 4 || !isHex(s.rest[2:4]) {
			return errors.New(`\x needs two hexadecimal digits`)
		}
		return s.take(4)
	case e == 'p' || e == 'P':
		if len(s.rest) < 3 || s.rest[2] != '{' {
			return errors.New(`\p needs a name in braces`)
		}
		return s.take(2)
	case strings.IndexByte("dDwWnrtfv", e) >= 0:
		return s.take(2)
	case '0' <= e && e <= '9' || 'a' <= e && e <= 'z' || 'A' <= e && e <= 'Z' || e >= 0x80:
		return fmt.Errorf(`the escape \%c is not supported`, []rune(s.rest[1:])[0])
	}
	return s.take(2)
}

// unicode reads \uXXXX or \u{X...}.
func (s *patternScanner) unicode() error {
	digits, rest, ok := "", "", false
	if body, braces := strings.CutPrefix(s.rest[2:], "{"); braces {
		digits, rest, ok = strings.Cut(body, "}")
	} else if len(s.rest) >= 6 {
		digits, rest, ok = s.rest[2:6], s.rest[6:], true
	}
	if !ok || len(digits) < 1 || len(digits) > 6 || !isHex(digits) {
		return errors.New(`\u needs four hexadecimal digits, or some in braces`)
	}
	switch code, _ := strconv.ParseUint(digits, 16, 32); {
	case code >= 0xd800 && code <= 0xdfff:
		return errors.New(`surrogates are not supported: write \u{...}`)
	case code >= firstMark && code <= lastMark:
		return errMarks
	}
	fmt.Fprintf(&s.out, `\x{%s}`, digits)
	s.rest = rest
	return nil
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdefABCDEF") == "" }
