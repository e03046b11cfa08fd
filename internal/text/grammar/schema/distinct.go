package schema

import "github.com/hachi-serve/hachi/internal/text/grammar/automaton"

// distinctArray draws arrays whose items a Machine tells apart as it reads: they are
// bare, so that equal items are equal bytes. Objects have no names but those of the
// schema.
func (c *compiler) distinctArray(from Node, parts []*value, minLen, maxLen int) Node {
	var list automaton.Rule
	list = c.rule("items without repetition: ", parts, func(start Node) Node {
		all, close := itemsAt(parts, 0), c.Node()
		to := c.Literal(c.lastGap(close), "]")
		if minLen == 0 {
			c.Empty(start, close)
		}
		item := c.bareItem(all, minLen)
		c.List(list, item)
		one := c.call(c.gap(start), item)
		unit := c.rule("a further bare item: ", all, func(start Node) Node {
			return c.call(c.gap(c.Literal(start, ",")), item)
		})
		c.times(one, unit, minLen-1, maxLen-1, close)
		return to
	})
	return c.call(c.Literal(from, "["), list)
}

// bareItem is the rule of an item, of which at least some must exist.
func (c *compiler) bareItem(all []*value, least int) automaton.Rule {
	defer c.barely()()
	r := c.rule("an item without repetition: ", all, func(start Node) Node { return c.schema(start, all) })
	c.Item(r, least)
	return r
}
