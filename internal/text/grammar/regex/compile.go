package regex

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"unicode"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
)

// Options say how an expression is interpreted.
type Options struct {
	Search   bool    // a text is accepted when a part of it matches, not only the whole
	Alphabet []Range // disjoint and ascending; texts have no other characters
	// Marks are single characters, ascending, that only themselves match: classes and
	// the dot leave them out. Texts may have them beside the Alphabet.
	Marks  []Range
	Budget *automaton.Budget
}

// maxBytes bounds an expression, and so the size of its expanded repeats.
const maxBytes = 1 << 14

// Compile makes the DFA of an RE2 expression.
func Compile(pattern string, o Options) (*DFA, error) {
	if len(pattern) > maxBytes {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", automaton.ErrTooLarge, len(pattern), maxBytes)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	c := &compiler{prog: prog, o: o, ids: map[string]int{}, classes: make([][]Range, len(prog.Inst)), mark: make([]int32, len(prog.Inst))}
	if err := c.prepare(); err != nil {
		return nil, err
	}
	c.state([]uint32{uint32(prog.Start)}, true)
	for i := 0; i < len(c.subsets); i++ {
		if err := o.Budget.Err(len(c.subsets)); err != nil {
			return nil, err
		}
		c.edges(i)
	}
	return c.out.trim(), nil
}

// compiler turns a program into a DFA: each state is a set of instructions that
// wait for a character.
type compiler struct {
	prog    *syntax.Prog
	o       Options
	classes [][]Range // what an instruction waits for, within the alphabet
	mark    []int32   // by instruction: the last search that has seen it
	stamp   int32     // of this search

	out     DFA
	ids     map[string]int
	subsets []subset
}

type subset struct {
	waiting []uint32
	over    bool // a match was found: whatever follows is accepted
}

// prepare finds the characters of each instruction and refuses assertions that
// look at neighbors.
func (c *compiler) prepare() error {
	for i, inst := range c.prog.Inst {
		switch inst.Op {
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(inst.Arg)&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
				return errors.New(`word boundaries (\b, \B) and line anchors ((?m)) are not supported`)
			}
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			c.classes[i] = c.within(class(&inst))
			c.o.Budget.Spend(1 + len(c.classes[i]))
		}
		if err := c.o.Budget.Err(0); err != nil {
			return err
		}
	}
	return nil
}

// class returns what an instruction waits for, in ascending ranges.
func class(inst *syntax.Inst) []Range {
	switch {
	case inst.Op == syntax.InstRuneAny:
		return []Range{{Lo: 0, Hi: unicode.MaxRune}}
	case inst.Op == syntax.InstRuneAnyNotNL:
		return []Range{{Lo: 0, Hi: '\n' - 1}, {Lo: '\n' + 1, Hi: unicode.MaxRune}}
	case len(inst.Rune) == 1:
		runes := []rune{inst.Rune[0]}
		if syntax.Flags(inst.Arg)&syntax.FoldCase != 0 {
			for r := unicode.SimpleFold(runes[0]); r != runes[0]; r = unicode.SimpleFold(r) {
				runes = append(runes, r)
			}
		}
		slices.Sort(runes)
		var out []Range
		for _, r := range runes {
			out = append(out, Range{Lo: r, Hi: r})
		}
		return out
	}
	var out []Range
	for i := 0; i+1 < len(inst.Rune); i += 2 {
		out = append(out, Range{Lo: inst.Rune[i], Hi: inst.Rune[i+1]})
	}
	return out
}

// within returns what an instruction waits for, within the alphabet; or a mark.
func (c *compiler) within(ranges []Range) []Range {
	if len(ranges) == 1 && slices.Contains(c.o.Marks, ranges[0]) {
		return ranges
	}
	return c.unmarked(within(ranges, c.o.Alphabet))
}

// unmarked leaves the marks out of ranges.
func (c *compiler) unmarked(ranges []Range) []Range {
	for _, m := range c.o.Marks {
		var kept []Range
		for _, r := range ranges {
			if r.Lo < m.Lo && m.Lo <= r.Hi {
				kept = append(kept, Range{Lo: r.Lo, Hi: m.Lo - 1})
			}
			if r.Lo <= m.Lo && m.Lo < r.Hi {
				r.Lo = m.Lo + 1
			}
			if r.Lo > m.Lo || r.Hi < m.Lo {
				kept = append(kept, r)
			}
		}
		ranges = kept
	}
	return ranges
}

// within returns the part of ascending ranges that an alphabet has.
func within(ranges, alphabet []Range) []Range {
	var out []Range
	for _, r := range ranges {
		for _, a := range alphabet {
			if lo, hi := max(r.Lo, a.Lo), min(r.Hi, a.Hi); lo <= hi {
				out = append(out, Range{Lo: lo, Hi: hi})
			}
		}
	}
	return out
}

// state returns the state of some instructions and all that they lead to.
func (c *compiler) state(from []uint32, begin bool) int {
	waiting, over := c.follow(from, begin, false)
	_, accepting := c.follow(from, begin, true)
	s := subset{over: over && c.o.Search}
	key := []byte{0}
	if s.over || accepting {
		key[0] = 1
	}
	if !s.over {
		s.waiting = waiting
		slices.Sort(s.waiting)
		for _, pc := range s.waiting {
			key = binary.LittleEndian.AppendUint32(key, pc)
		}
	} else {
		key[0] = 2
	}
	id, ok := c.ids[string(key)]
	if !ok {
		id = len(c.subsets)
		c.ids[string(key)] = id
		c.subsets = append(c.subsets, s)
		c.out.states = append(c.out.states, state{accepting: accepting || s.over})
	}
	return id
}

// follow goes from instructions to those that wait for a character, and reports
// whether the end of the expression is reached.
func (c *compiler) follow(from []uint32, begin, end bool) (waiting []uint32, matched bool) {
	c.stamp++
	for stack := slices.Clone(from); len(stack) > 0; {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if c.mark[pc] == c.stamp {
			continue
		}
		c.mark[pc] = c.stamp
		c.o.Budget.Spend(1)
		switch inst := &c.prog.Inst[pc]; inst.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, inst.Out, inst.Arg)
		case syntax.InstCapture, syntax.InstNop:
			stack = append(stack, inst.Out)
		case syntax.InstEmptyWidth:
			op := syntax.EmptyOp(inst.Arg)
			if (begin || op&syntax.EmptyBeginText == 0) && (end || op&syntax.EmptyEndText == 0) {
				stack = append(stack, inst.Out)
			}
		case syntax.InstMatch:
			matched = true
		case syntax.InstFail:
		default:
			waiting = append(waiting, pc)
		}
	}
	return waiting, matched
}

// edges adds the edges of a state.
func (c *compiler) edges(i int) {
	s := c.subsets[i]
	if s.over {
		for _, r := range c.o.Alphabet {
			c.out.states[i].add(edge{r, i})
		}
		return
	}
	classes := make([][]Range, len(s.waiting))
	cuts := bounds(nil, c.o.Alphabet)
	for k, pc := range s.waiting {
		classes[k] = c.classes[pc]
		cuts = bounds(cuts, classes[k])
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	known := map[string]int{} // states by what leads to them
	alphabet := c.o.Alphabet
	for k := 0; k+1 < len(cuts) && !c.o.Budget.Spent(); k++ {
		if alphabet = from(alphabet, cuts[k]); len(alphabet) == 0 || alphabet[0].Lo > cuts[k] {
			continue
		}
		var targets []uint32
		var key []byte
		for j, pc := range s.waiting {
			if classes[j] = from(classes[j], cuts[k]); len(classes[j]) > 0 && classes[j][0].Lo <= cuts[k] {
				targets = append(targets, c.prog.Inst[pc].Out)
				key = binary.LittleEndian.AppendUint32(key, c.prog.Inst[pc].Out)
			}
		}
		c.o.Budget.Spend(1 + len(s.waiting))
		if c.o.Search {
			targets = append(targets, uint32(c.prog.Start))
		}
		if targets == nil {
			continue
		}
		to, ok := known[string(key)]
		if !ok {
			to = c.state(targets, false)
			known[string(key)] = to
		}
		c.out.states[i].add(edge{Range{Lo: cuts[k], Hi: cuts[k+1] - 1}, to})
	}
}

// bounds appends where ranges begin and where they have ended.
func bounds(cuts []rune, ranges []Range) []rune {
	for _, r := range ranges {
		cuts = append(cuts, r.Lo, r.Hi+1)
	}
	return cuts
}

// from drops the ranges that end before a character.
func from(ranges []Range, r rune) []Range {
	for len(ranges) > 0 && ranges[0].Hi < r {
		ranges = ranges[1:]
	}
	return ranges
}
