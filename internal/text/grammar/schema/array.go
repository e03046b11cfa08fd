package schema

import "github.com/hachi-serve/hachi/internal/text/grammar/automaton"

// array draws arrays.
func (c *compiler) array(from Node, parts []*value) Node {
	minLen, maxLen := bounds(parts, "minItems", "maxItems")
	first := 0 // the first item that has no schema of its own
	for _, p := range parts {
		first = max(first, len(prefix(p)))
	}
	for _, p := range parts {
		if unique := p.get("uniqueItems"); unique.is(true) && (maxLen < 0 || maxLen > 1) {
			return c.uniqueArray(from, parts, unique, minLen, maxLen, first)
		}
	}
	defer c.deeper()()
	start := c.Literal(from, "[")
	close := c.Node()
	to := c.Literal(c.lastGap(close), "]")
	if minLen == 0 {
		c.Empty(start, close)
	}
	at, n := start, 0 // after n items
	last := maxLen    // the last item that is drawn by itself
	if maxLen < 0 {
		last = max(first, minLen)
	}
	many := last > first+maxChained
	if many {
		last = first + 1
	}
	for ; !c.Full() && at != none && n < last; n++ {
		if n > 0 {
			at = c.Literal(at, ",")
		}
		at = c.item(at, itemsAt(parts, n), n >= first && max(minLen, maxLen) > first+1)
		if n+1 >= minLen {
			c.Empty(at, close)
		}
	}
	if at == none || maxLen >= 0 && !many {
		return to
	}
	if many {
		c.further(at, itemsAt(parts, first), minLen-n, maxLen-n, close)
		return to
	}
	if n > 0 {
		at = c.Literal(at, ",")
	}
	again := c.Node() // any number of items may follow
	c.Empty(at, again)
	at = c.item(again, itemsAt(parts, first), minLen > first)
	c.Empty(c.Literal(at, ","), again)
	c.Empty(at, close)
	return to
}

// further joins two nodes by items behind others: minLen to maxLen of them, a negative
// maxLen is no limit.
func (c *compiler) further(from Node, all []*value, minLen, maxLen int, to Node) {
	unit := c.rule("a further item: ", all, func(start Node) Node { return c.item(c.Literal(start, ","), all, false) })
	c.times(from, unit, minLen, maxLen, to)
}

// times joins two nodes by minLen to maxLen units, a negative maxLen is no limit.
func (c *compiler) times(from Node, unit automaton.Rule, minLen, maxLen int, to Node) {
	from = c.exactly(from, unit, max(minLen, 0))
	if maxLen >= 0 {
		c.upTo(from, unit, maxLen-max(minLen, 0), to)
		return
	}
	again := c.Node()
	c.Empty(from, again)
	c.Call(again, unit, again)
	c.Empty(again, to)
}

// item draws an item and what may come before it. One that is drawn many times
// becomes a rule.
func (c *compiler) item(from Node, all []*value, often bool) Node {
	if !often {
		return c.schema(c.gap(from), all)
	}
	return c.call(from, c.rule("an item: ", all, func(start Node) Node { return c.schema(c.gap(start), all) }))
}

// itemsAt returns what an item satisfies.
func itemsAt(parts []*value, i int) []*value {
	var all []*value
	for _, p := range parts {
		if own := prefix(p); i < len(own) {
			all = append(all, own[i])
		} else if others := rest(p); others != nil {
			all = append(all, others)
		}
	}
	return all
}

// prefix returns the schemas of the first items: prefixItems, or a list of items as
// in draft 7.
func prefix(part *value) []*value {
	if v := part.get("prefixItems"); v != nil {
		return v.items
	}
	if v := part.get("items"); v != nil {
		return v.items
	}
	return nil
}

// rest returns the schema of the items after the prefix, nil for none.
func rest(part *value) *value {
	if v := part.get("items"); v != nil && v.kind != array {
		return v
	} else if v != nil {
		return part.get("additionalItems")
	}
	return nil
}
