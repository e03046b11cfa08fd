package schema

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
	"github.com/hachi-serve/hachi/internal/text/grammar/regex"
)

// Marks stand for the look-aheads of a pattern: noncharacters of Unicode, which texts
// with look-ahead do not have.
const firstMark, lastMark = 0xfdd0, 0xfdef

var errMarks = fmt.Errorf("the noncharacters U+%X to U+%X are not supported", firstMark, lastMark)

// look is a look-ahead: what follows its mark begins with inner, or does not.
type look struct {
	mark     rune
	inner    string
	negative bool
}

// takeLooks puts marks in the places of the look-aheads of a pattern.
func takeLooks(pattern string) (looks []look, rest string, err error) {
	var out strings.Builder
	if strings.ContainsFunc(pattern, func(r rune) bool { return firstMark <= r && r <= lastMark }) {
		return nil, "", errMarks
	}
	for class := false; pattern != ""; {
		n := 1
		switch {
		case pattern[0] == '\\':
			n = min(2, len(pattern))
		case pattern[0] == '[':
			class = true
		case pattern[0] == ']':
			class = false
		case !class && (strings.HasPrefix(pattern, "(?=") || strings.HasPrefix(pattern, "(?!")):
			end := groupEnd(pattern)
			if end < 0 {
				return nil, "", errors.New("a group without )")
			}
			if len(looks) > lastMark-firstMark {
				return nil, "", fmt.Errorf("more than %d look-aheads", lastMark-firstMark+1)
			}
			l := look{firstMark + rune(len(looks)), pattern[len("(?="):end], pattern[len("(?")] == '!'}
			looks = append(looks, l)
			out.WriteRune(l.mark)
			pattern = pattern[end+1:]
			if pattern != "" && strings.IndexByte("*+?{", pattern[0]) >= 0 {
				return nil, "", errors.New("a look-ahead cannot be repeated")
			}
			continue
		}
		out.WriteString(pattern[:n])
		pattern = pattern[n:]
	}
	return looks, out.String(), nil
}

// narrow leaves the texts with marks in which each mark of the look-ahead is followed
// by what it says, over the characters that all patterns read alike. The texts have
// some marks, this look-ahead's among them.
func (l look) narrow(d *regex.DFA, alphabet, marks []regex.Range, budget *automaton.Budget) (*regex.DFA, []regex.Range, error) {
	follows, innerAlphabet, err := ecmaPattern("^(?:"+l.inner+")", budget)
	if err != nil {
		return nil, nil, err
	}
	wrong := follows.Ignoring(marks)
	if !l.negative {
		if wrong, err = regex.Class(regex.Scalars()).Minus(wrong, budget); err != nil {
			return nil, nil, err
		}
	}
	if wrong, err = wrong.Behind(regex.Range{Lo: l.mark, Hi: l.mark}, budget); err == nil {
		d, err = d.Minus(wrong, budget)
	}
	return d, shared(alphabet, innerAlphabet), err
}

// groupEnd returns where the group that begins a pattern ends, -1 for nowhere.
func groupEnd(pattern string) int {
	depth, class := 0, false
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
			continue
		case '[':
			class = true
		case ']':
			class = false
		case '(':
			if !class {
				depth++
			}
		case ')':
			if !class {
				depth--
			}
		}
		if !class && depth == 0 && pattern[i] == ')' {
			return i
		}
	}
	return -1
}
