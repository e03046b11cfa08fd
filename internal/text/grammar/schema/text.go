package schema

import (
	"fmt"

	"github.com/hachi-serve/hachi/internal/text/grammar/regex"
)

// text draws strings. Free ones are written in any way, those with a pattern or
// a format in the way of quote.
func (c *compiler) text(from Node, parts []*value) Node {
	minLen, maxLen := bounds(parts, "minLength", "maxLength")
	var d *regex.DFA
	for _, p := range parts {
		for _, name := range []string{"pattern", "format"} {
			v := p.get(name)
			if v == nil || v.kind != text {
				continue
			}
			one, err := c.language(name, v.text)
			if err == nil && d != nil {
				one, err = d.Intersect(one, c.limits.States)
			}
			if err != nil {
				c.fault(v, "%s: %w", name, err)
				return none
			}
			d = one
		}
	}
	if d == nil {
		return c.counted(from, minLen, maxLen)
	}
	if minLen > 0 || maxLen >= 0 {
		var err error
		if d, err = d.Intersect(regex.Length(minLen, maxLen), c.limits.States); err != nil {
			c.fault(parts[0], "the length of a string with a pattern: %w", err)
			return none
		}
	}
	return c.Literal(d.Draw(c.Builder, c.Literal(from, `"`), c.spelled), `"`)
}

// language returns the texts of a pattern or a format.
func (c *compiler) language(name, s string) (*regex.DFA, error) {
	if name == "pattern" {
		return ecmaPattern(s, c.limits.States)
	}
	expression, ok := formats()[s]
	if !ok {
		return nil, fmt.Errorf("%.100q is not supported", s)
	}
	return regex.Compile(expression, regex.Options{Alphabet: regex.Scalars(), MaxStates: c.limits.States})
}

// counted draws strings of minLen to maxLen characters.
func (c *compiler) counted(from Node, minLen, maxLen int) Node {
	if minLen == 0 && maxLen < 0 {
		return c.anyText(from)
	}
	at, close := c.Literal(from, `"`), c.Node()
	for n := 0; !c.Full(); n++ {
		if n >= minLen {
			c.Empty(at, close)
		}
		if n == maxLen || n == minLen && maxLen < 0 {
			break
		}
		at = c.call(at, c.character)
	}
	if maxLen < 0 {
		c.anyCharacter(at, at)
	}
	return c.Literal(close, `"`)
}
