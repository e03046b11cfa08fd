package schema

import (
	"math/big"
	"slices"
	"strconv"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
)

const (
	// maxUnique bounds the values that items without repetition may have.
	maxUnique = 256
	// maxSubsets bounds the sets of items that are distinguished. Beyond it the
	// items come in the order in which their values are listed.
	maxSubsets = 1 << 10
)

// uniqueArray draws arrays in which no item is there twice. An automaton can tell
// which of finitely many values are still free; of other items the reader of a text
// keeps account (distinctArray).
func (c *compiler) uniqueArray(from Node, parts []*value, unique *value, minLen, maxLen, first int) Node {
	u := &uniqueDrawer{compiler: c, minLen: minLen, maxLen: maxLen, first: first, nodes: map[string]Node{}}
	positions := first
	if maxLen >= 0 && maxLen < first {
		positions = maxLen
	}
	for i := range positions + 1 {
		faults := len(c.faults)
		values, ok := c.finite(itemsAt(parts, i))
		if !ok || len(u.values)+len(values) > maxUnique {
			if len(c.faults) > faults {
				return none
			}
			if first == 0 {
				return c.distinctArray(from, parts, minLen, maxLen)
			}
			c.fault(unique, "uniqueItems beside a prefix is supported for items of at most %d listed values: enum, const, booleans, null, strings with a pattern of few texts, integers within narrow bounds", maxUnique)
			return none
		}
		u.allowed = append(u.allowed, u.indices(values))
	}
	defer c.deeper()()
	u.close = c.Node()
	to := c.Literal(c.lastGap(u.close), "]")
	start := c.Literal(from, "[")
	if minLen == 0 {
		c.Empty(start, u.close)
	}
	switch {
	case subsets(len(u.values), maxLen) <= maxSubsets:
		u.drawRules(subsets(len(u.values), maxLen))
		u.anyOrder(start, make([]bool, len(u.values)), 0)
	case first == 0:
		u.inOrder(start)
	default:
		c.fault(unique, "uniqueItems: the items have too many values to tell apart beside a prefix: %w", automaton.ErrTooLarge)
		return none
	}
	return to
}

// uniqueDrawer draws the items of an array without repetition.
type uniqueDrawer struct {
	*compiler
	minLen, maxLen, first int
	values                []*value
	rules                 []automaton.Rule // by value; empty if values are drawn where they stand
	allowed               [][]int          // indices of values, by position; the last is for all others
	nodes                 map[string]Node
	close                 Node
}

// indices finds values among those that are known, and adds those that are not.
func (u *uniqueDrawer) indices(values []*value) []int {
	var list []int
	for _, v := range values {
		i := slices.IndexFunc(u.values, func(o *value) bool { return equal(v, o) })
		if i < 0 {
			i = len(u.values)
			u.values = append(u.values, v)
		}
		if !slices.Contains(list, i) {
			list = append(list, i)
		}
	}
	return list
}

// drawRules makes each value a rule, if there are too many states to draw all
// values at each: calls are short, and read side by side.
func (u *uniqueDrawer) drawRules(states int) {
	size := 0
	for _, v := range u.values {
		size += len(written(v))
	}
	if states*size <= u.limits.States/8 {
		return
	}
	for _, v := range u.values {
		r := u.Rule("an item " + strconv.Quote(written(v)))
		start, end := u.Body(r)
		u.Empty(u.literal(u.gap(start), v), end)
		u.rules = append(u.rules, r)
	}
}

// before draws what may come before an item that is drawn where it stands.
func (u *uniqueDrawer) before(from Node) Node {
	if u.rules != nil {
		return from
	}
	return u.gap(from)
}

// item draws a value.
func (u *uniqueDrawer) item(from Node, i int) Node {
	if u.rules != nil {
		return u.call(from, u.rules[i])
	}
	return u.literal(from, u.values[i])
}

// anyOrder draws what follows n items, of which used tells the values.
func (u *uniqueDrawer) anyOrder(from Node, used []bool, n int) {
	if n == u.maxLen || u.Full() {
		return
	}
	from = u.before(from)
	for _, i := range u.allowed[min(n, len(u.allowed)-1)] {
		if used[i] {
			continue
		}
		next := slices.Clone(used)
		next[i] = true
		key := make([]byte, len(next))
		for k, is := range next {
			if is {
				key[k] = 1
			}
		}
		after, known := u.nodes[string(key)]
		if !known {
			after = u.Node()
			u.nodes[string(key)] = after
		}
		u.Empty(u.item(from, i), after)
		if known {
			continue
		}
		if n+1 >= u.minLen {
			u.Empty(after, u.close)
		}
		u.anyOrder(u.Literal(after, ","), next, n+1)
	}
}

// inOrder draws items in the order of their values.
func (u *uniqueDrawer) inOrder(from Node) {
	last := max(u.minLen, u.maxLen) // greater counts do not matter
	list := u.allowed[0]
	// begin[n]: n items are written, and the value at i or a later one must follow.
	begin := make([]Node, last+1)
	for n := range begin {
		begin[n] = u.Node()
	}
	u.Empty(from, begin[0])
	for k, i := range list {
		next := make([]Node, last+1)
		for n := range next {
			next[n] = u.Node()
			u.Empty(begin[n], next[n])
		}
		for n := range begin {
			if u.Full() || n == u.maxLen || n > k {
				break
			}
			after := u.item(u.before(begin[n]), i)
			more := min(n+1, last)
			if n+1 >= u.minLen {
				u.Empty(after, u.close)
			}
			u.Empty(u.Literal(after, ","), next[more])
		}
		begin = next
	}
}

// subsets is the number of sets of at most k of n values; a negative k is no limit.
func subsets(n, k int) int {
	if k < 0 || k > n {
		k = n
	}
	sum, choose := 0, 1
	for i := range k + 1 {
		if sum += choose; sum > maxSubsets {
			return sum
		}
		choose = choose * (n - i) / (i + 1)
	}
	return sum
}

// finite returns the values that satisfy all of some schemas, if these are
// finitely many and of kinds that can be listed.
func (c *compiler) finite(all []*value) ([]*value, bool) {
	if len(all) == 0 || !c.enter(all[0]) {
		return nil, false
	}
	defer func() { c.depth-- }()
	c.choosing++
	defer func() { c.choosing-- }()
	faults := len(c.faults)
	f := c.layAll(all)
	if f == nil {
		return nil, len(c.faults) == faults
	}
	return c.finiteOf(f)
}

func (c *compiler) finiteOf(f *flat) ([]*value, bool) {
	if len(f.choices) == 0 {
		return c.finiteParts(f.parts)
	}
	var values []*value
	for _, branch := range f.choices[0] {
		if !c.enter(branch) {
			return nil, false
		}
		g := c.choose(f, branch)
		c.depth--
		if g == nil {
			continue
		}
		more, ok := c.finiteOf(g)
		if values = append(values, more...); !ok || len(values) > maxUnique {
			return nil, false
		}
	}
	return values, true
}

// finiteParts lists the values of schemas that neither refer nor choose.
func (c *compiler) finiteParts(parts []*value) ([]*value, bool) {
	if given, ok := c.given(parts); ok {
		return given, true
	}
	set := allTypes
	for _, p := range parts {
		set &= typesOf(p)
	}
	var values []*value
	if set&booleans != 0 {
		values = append(values, &value{kind: boolean, text: "true"}, &value{kind: boolean, text: "false"})
	}
	if set&nulls != 0 {
		values = append(values, &value{kind: null})
	}
	if set&integers != 0 {
		list, ok := c.finiteIntegers(parts)
		if !ok || set&fractions != 0 {
			return nil, false
		}
		values = append(values, list...)
	}
	if set&texts != 0 {
		d, ok := c.textsOfParts(parts)
		if !ok || d == nil {
			return nil, false
		}
		words, ok := d.List(maxUnique)
		if !ok {
			return nil, false
		}
		for _, w := range words {
			values = append(values, &value{kind: text, text: w})
		}
	}
	return values, set&(objects|arrays) == 0
}

// finiteIntegers lists the integers within bounds.
func (c *compiler) finiteIntegers(parts []*value) ([]*value, bool) {
	i, unit := c.interval(parts), c.unit(parts, false)
	if i.low == nil || i.high == nil {
		return nil, false
	}
	step := unit.rat()
	n := new(big.Rat).Quo(i.low.rat(), step)
	n.SetInt(new(big.Int).Div(n.Num(), n.Denom())) // rounded down
	var values []*value
	for n.Mul(n, step); n.Cmp(i.high.rat()) <= 0; n.Add(n, step) {
		v := &value{kind: number, text: n.Num().String()}
		if d, err := parseDecimal(v); err == nil && i.has(d) {
			values = append(values, v)
		}
		if len(values) > maxUnique {
			return nil, false
		}
	}
	return values, true
}
