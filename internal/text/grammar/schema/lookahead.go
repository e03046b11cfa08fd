package schema

import (
	"errors"
	"strings"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
	"github.com/hachi-serve/hachi/internal/text/grammar/regex"
)

// look is a look-ahead right after the ^ that begins a pattern: the whole text
// begins with inner, or it does not. Generators of schemas write email addresses
// and decimals in this way.
type look struct {
	inner    string
	negative bool
}

// leadingLooks takes the look-aheads off the begin of a pattern.
func leadingLooks(pattern string) (heads []look, rest string, err error) {
	rest, anchored := strings.CutPrefix(pattern, "^")
	if !anchored {
		return nil, pattern, nil
	}
	for strings.HasPrefix(rest, "(?=") || strings.HasPrefix(rest, "(?!") {
		end := groupEnd(rest)
		if end < 0 {
			return nil, "", errors.New("a group without )")
		}
		heads = append(heads, look{rest[len("(?="):end], rest[len("(?")] == '!'})
		rest = rest[end+1:]
		if rest != "" && strings.IndexByte("*+?{", rest[0]) >= 0 {
			return nil, "", errors.New("a look-ahead cannot be repeated")
		}
	}
	if heads != nil && alternates(rest) {
		return nil, "", errors.New("beside look-ahead, | is supported within groups only")
	}
	return heads, "^" + rest, nil
}

// narrow leaves the texts that a look-ahead allows, over the characters that both
// patterns read alike.
func (l look) narrow(d *regex.DFA, alphabet []regex.Range, budget *automaton.Budget) (*regex.DFA, []regex.Range, error) {
	inner, innerAlphabet, err := plainPattern("^(?:"+l.inner+")", budget)
	if err != nil {
		return nil, nil, err
	}
	alphabet = shared(alphabet, innerAlphabet)
	if d, err = d.Intersect(regex.Class(alphabet), budget); err != nil {
		return nil, nil, err
	}
	if l.negative {
		d, err = d.Minus(inner, budget)
	} else {
		d, err = d.Intersect(inner, budget)
	}
	return d, alphabet, err
}

// groupEnd returns where the group that begins a pattern ends, -1 for nowhere.
func groupEnd(pattern string) int {
	end := -1
	structure(pattern, func(i, depth int) bool {
		if depth == 0 && pattern[i] == ')' {
			end = i
		}
		return end < 0
	})
	return end
}

// alternates reports a | outside of groups.
func alternates(pattern string) bool {
	found := false
	structure(pattern, func(i, depth int) bool {
		found = found || depth == 0 && pattern[i] == '|'
		return !found
	})
	return found
}

// structure visits the bytes of a pattern that are neither escaped nor in a class,
// with the number of groups that are open after each. It ends when visit is false.
func structure(pattern string, visit func(i, depth int) bool) {
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
		if !class && !visit(i, depth) {
			return
		}
	}
}
