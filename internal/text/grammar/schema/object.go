package schema

import (
	"slices"

	"github.com/hachi-serve/hachi/internal/text/grammar/regex"
)

// object draws objects: the named members in the order of their declaration, then
// other members where a schema allows them.
func (c *compiler) object(from Node, parts []*value) Node {
	m, ok := c.members(parts)
	if !ok {
		return none
	}
	never := func(r region) bool { return slices.ContainsFunc(r.all, func(v *value) bool { return v.is(false) }) }
	if m.regions = slices.DeleteFunc(m.regions, never); c.layout == bare && len(m.regions) > 0 {
		c.fault(parts[0], "uniqueItems is not supported for objects whose names are free: additionalProperties false closes them")
		return none
	}
	to := c.Node()
	for _, named := range c.dependents(parts, m) {
		o := &objectDrawer{compiler: c, named: named, regions: m.regions, spots: map[spot]spotNodes{}}
		o.minCount, o.maxCount = bounds(parts, "minProperties", "maxProperties")
		if !o.count(parts) {
			return none
		}
		o.draw(from, to)
	}
	return to
}

// objectDrawer draws the objects with some named members, of which those that are
// not required may be absent, and others.
type objectDrawer struct {
	*compiler
	named              []property
	regions            []region
	minCount, maxCount int // of members; a negative maxCount is no limit
	last               int // the greatest count that matters
	residues           int // that names of others have
	spots              map[spot]spotNodes
	close              Node
}

// spot is how far an object is written.
type spot struct {
	named int // the next named member; len(named) is others
	count int // of members whose names differ, at most objectDrawer.last
	// As long as members are missing: seen is the set of residues that the names
	// of others have, and again counts others of the same residues.
	seen  uint
	again int
}

// spotNodes are the two nodes of a spot: after a member was written, and where the
// next member must begin.
type spotNodes struct{ after, begin Node }

func (o *objectDrawer) draw(from, to Node) {
	defer o.deeper()()
	start := o.gap(o.Literal(from, "{"))
	o.close = o.Node()
	end := o.Literal(o.lastGap(o.close), "}")
	o.Empty(start, o.at(spot{}).begin)
	if o.minCount == 0 && o.optionalFrom(0) {
		o.Empty(o.Literal(start, "}"), end)
	}
	o.Empty(end, to)
}

// residuesFor is the number of residues that distinguish the names of others, by the
// number of members that may be missing. The more, the fewer names
// meet by chance; the states grow with the sets of residues.
var residuesFor = []int{0, 0, 8, 6, 5}

// maxCounted is the maximum number of members of an object whose number is bounded,
// unless more have names: a greater bound is cut.
const maxCounted = 128

// count drops bounds that always hold, and decides what must be counted. It is
// false if it has recorded a fault.
func (o *objectDrawer) count(parts []*value) bool {
	required := 0
	for _, p := range o.named {
		if p.required {
			required++
		}
	}
	if o.minCount <= required {
		o.minCount = 0
	}
	o.maxCount = min(o.maxCount, max(maxCounted, len(o.named), o.minCount))
	if len(o.regions) == 0 && o.maxCount >= len(o.named) {
		o.maxCount = -1
	}
	o.last = max(o.minCount, o.maxCount)
	missing := max(o.minCount-required, 0)
	if len(o.regions) == 0 || missing < len(residuesFor) {
		o.residues = residuesFor[min(missing, len(residuesFor)-1)]
		return true
	}
	for _, p := range parts {
		if v := p.get("minProperties"); v != nil {
			o.fault(v, "minProperties %d: where names are free, it may exceed the required members by %d at most", o.minCount, len(residuesFor)-1)
		}
	}
	return false
}

// optionalFrom reports that no named member from i on is required.
func (o *objectDrawer) optionalFrom(i int) bool {
	for _, p := range o.named[i:] {
		if p.required {
			return false
		}
	}
	return true
}

// at returns the nodes of a spot, and draws what may follow on the first call.
func (o *objectDrawer) at(s spot) spotNodes {
	if n, ok := o.spots[s]; ok {
		return n
	}
	n := spotNodes{o.Node(), o.Node()}
	o.spots[s] = n
	if o.Full() {
		return n
	}
	o.Empty(o.gap(o.Literal(n.after, ",")), n.begin)
	if s.count >= o.minCount && o.optionalFrom(s.named) {
		o.Empty(n.after, o.close)
	}
	if s.named == len(o.named) {
		o.others(n.begin, s)
		return n
	}
	p := o.named[s.named]
	next := spot{named: s.named + 1, count: s.count}
	if !p.required {
		o.Empty(n.begin, o.at(next).begin)
	}
	if o.isFull(s) {
		return n
	}
	next.count = min(s.count+1, o.last)
	o.Empty(o.value(o.colon(o.quoted(n.begin, p.name)), p.all), o.at(next).after)
	return n
}

// value draws the value of a member. Where members are counted it is drawn many
// times, so it becomes a rule.
func (o *objectDrawer) value(from Node, all []*value) Node {
	if o.last <= 1 {
		return o.schema(from, all)
	}
	return o.call(from, o.rule("a member: ", all, func(start Node) Node { return o.schema(start, all) }))
}

// isFull reports that no member may follow.
func (o *objectDrawer) isFull(s spot) bool { return o.maxCount >= 0 && s.count+s.again >= o.maxCount }

// others draws the members without a name. The names of two of them may be equal,
// which counts as one member. So as long as members are missing, a name counts if
// it has a residue that no other has.
func (o *objectDrawer) others(from Node, s spot) {
	if o.isFull(s) {
		return
	}
	for _, r := range o.regions {
		if s.count >= o.minCount || s.count+1 == o.minCount && s.seen == 0 {
			next := spot{named: s.named, count: min(s.count+1, o.last)}
			o.Empty(o.value(o.colon(o.otherName(from, r.language)), r.all), o.at(next).after)
			continue
		}
		for residue := range o.residues {
			d, err := r.residue(residue, o.residues, o.budget)
			if err != nil {
				o.fault(r.at, "minProperties: %w", err)
				return
			}
			o.Empty(o.value(o.colon(o.otherName(from, d)), r.all), o.at(o.distinguish(s, residue)).after)
		}
	}
}

// distinguish returns the spot after another member with a residue.
func (o *objectDrawer) distinguish(s spot, residue int) spot {
	switch {
	case s.seen&(1<<residue) == 0:
		s.count++
		s.seen |= 1 << residue
	case o.maxCount >= 0:
		s.again++
	}
	if s.count >= o.minCount {
		s.count, s.seen, s.again = min(s.count+s.again, o.last), 0, 0
	}
	return s
}

// otherName draws the name of a member that has none of the known names. Beside
// known names and patterns it is written in the way of quote: escaped otherwise,
// it could be one of them.
func (o *objectDrawer) otherName(from Node, language *regex.DFA) Node {
	if language == nil {
		return o.anyText(from)
	}
	return o.Literal(language.Draw(o.Builder, o.Literal(from, `"`), o.spelled), `"`)
}
