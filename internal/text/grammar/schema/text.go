package schema

import (
	"errors"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
	"github.com/hachi-serve/hachi/internal/text/grammar/regex"
)

// text draws strings. Free ones are written in any way, those with a pattern or
// a format in the way of quote.
func (c *compiler) text(from Node, parts []*value) Node {
	minLen, maxLen := bounds(parts, "minLength", "maxLength")
	d, ok := c.patterned(parts)
	switch {
	case !ok:
		return none
	case d == nil:
		return c.counted(from, minLen, maxLen)
	}
	if d, ok = c.cut(d, parts, minLen, maxLen); !ok {
		return none
	}
	return c.Literal(d.Draw(c.Builder, c.Literal(from, `"`), c.spelled), `"`)
}

// patterned returns the texts that satisfy the patterns and formats of some
// schemas, nil for all texts. It is false if it has recorded a fault.
func (c *compiler) patterned(parts []*value) (d *regex.DFA, ok bool) {
	for _, p := range parts {
		for _, name := range []string{"pattern", "format"} {
			v := p.get(name)
			if v == nil || v.kind != text {
				continue
			}
			one, err := c.language(name, v.text)
			if err == nil && d != nil && one != nil {
				one, err = d.Intersect(one, c.budget)
			}
			if err != nil {
				c.fault(v, "%s: %w", name, err)
				return nil, false
			}
			if one != nil {
				d = one
			}
		}
	}
	return d, true
}

// maxPatterned is the maximum length of a text with a pattern or a format, where
// its bounds of length need more states than an automaton may have.
const maxPatterned = 256

// cut leaves the texts of minLen to maxLen characters.
func (c *compiler) cut(d *regex.DFA, parts []*value, minLen, maxLen int) (*regex.DFA, bool) {
	if longest, finite := d.Longest(); finite && longest <= maxLen {
		maxLen = -1
	}
	if minLen == 0 && maxLen < 0 {
		return d, true
	}
	length := maxLen
	if length*d.States() > c.limits.States && minLen <= maxPatterned {
		length = min(length, maxPatterned)
	}
	short, err := d.Intersect(regex.Length(minLen, length), c.budget)
	for ; errors.Is(err, automaton.ErrTooLarge) && !c.budget.Spent() && minLen <= length/2 && length > 1; length /= 2 {
		short, err = d.Intersect(regex.Length(minLen, length/2), c.budget)
	}
	if err != nil {
		c.fault(parts[0], "the length of a string with a pattern: %w", err)
		return nil, false
	}
	return short, true
}

// language returns the texts of a pattern or a format; nil is all texts: a
// format that is not known is an annotation.
func (c *compiler) language(name, s string) (*regex.DFA, error) {
	if name == "pattern" {
		return c.pattern(s).both()
	}
	expression, ok := formats()[s]
	if !ok {
		return nil, nil
	}
	return c.remember("format "+s, func() language {
		d, err := regex.Compile(expression, regex.Options{Alphabet: regex.Scalars(), Budget: c.budget})
		return language{d, regex.Scalars(), err}
	}).both()
}

// language is the texts of a pattern or a format, and the characters that they may
// have.
type language struct {
	language *regex.DFA
	alphabet []regex.Range
	err      error
}

func (l language) both() (*regex.DFA, error) { return l.language, l.err }

// pattern compiles a pattern.
func (c *compiler) pattern(s string) language {
	return c.remember("pattern "+s, func() language {
		d, alphabet, err := ecmaPattern(s, c.budget)
		return language{d, alphabet, err}
	})
}

// remember compiles a language once.
func (c *compiler) remember(key string, compile func() language) language {
	l, ok := c.languages[key]
	if !ok {
		l = compile()
		c.languages[key] = l
	}
	return l
}

// counted draws strings of minLen to maxLen characters.
func (c *compiler) counted(from Node, minLen, maxLen int) Node {
	if minLen == 0 && maxLen < 0 {
		return c.anyText(from)
	}
	one := c.character
	if c.layout == bare {
		one = c.rule("a character", nil, func(start Node) Node {
			end := c.Node()
			c.spelled(start, regex.Scalars(), end)
			return end
		})
	}
	at, close := c.exactly(c.Literal(from, `"`), one, minLen), c.Node()
	switch {
	case maxLen >= 0:
		c.upTo(at, one, maxLen-minLen, close)
	case c.layout == bare:
		c.Empty(at, close)
		c.spelled(at, regex.Scalars(), at)
	default:
		c.Empty(at, close)
		c.anyCharacter(at, at)
	}
	return c.Literal(close, `"`)
}
