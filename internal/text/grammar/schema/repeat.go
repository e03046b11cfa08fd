package schema

import (
	"fmt"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
)

const (
	// blockSize is the number of parts of a block: a block of level k+1 is blockSize
	// blocks of level k, and a block of level 0 is one unit.
	blockSize = 64
	// maxChained is the maximum count that is drawn unit by unit. Greater counts are
	// drawn in blocks, which are rules that all counts share: n units need about
	// blockSize * log n states.
	maxChained = 512
	// maxRepeated is the maximum count of what a bound allows beyond its minimum: more
	// than an answer can have.
	maxRepeated = 1 << 20
)

// blockKey names a block of some units: whole, or one unit at least and one unit less
// than whole.
type blockKey struct {
	unit  automaton.Rule
	level int
	whole bool
}

// exactly draws n units.
func (d *drawer) exactly(from Node, unit automaton.Rule, n int) Node {
	for level, size := level(n); n > 0; level, size = level-1, size/blockSize {
		for ; n >= size; n -= size {
			from = d.call(from, d.block(blockKey{unit, level, true}))
		}
	}
	return from
}

// upTo joins two nodes by at most n units.
func (d *drawer) upTo(from Node, unit automaton.Rule, n int, to Node) {
	d.Empty(from, to)
	d.some(from, unit, min(n, maxRepeated), to)
}

// some joins two nodes by 1 to n units. There is one way to read a count: whole
// blocks, then less than a block.
func (d *drawer) some(from Node, unit automaton.Rule, n int, to Node) {
	for n > 0 && !d.Full() {
		level, size := level(n)
		if size > 1 {
			d.Call(from, d.block(blockKey{unit, level, false}), to)
		}
		from = d.call(from, d.block(blockKey{unit, level, true}))
		d.Empty(from, to)
		n -= size
	}
}

// level returns the level and the size of the largest block with which n units are
// drawn.
func level(n int) (level, size int) {
	for size = 1; n > maxChained && size*blockSize <= n; size *= blockSize {
		level++
	}
	return level, size
}

// block returns the rule of a block.
func (d *drawer) block(key blockKey) automaton.Rule {
	if key.level == 0 {
		return key.unit
	}
	if r, ok := d.blocks[key]; ok {
		return r
	}
	r := d.Rule(fmt.Sprintf("a block of level %d", key.level))
	d.blocks[key] = r
	start, end := d.Body(r)
	part := d.block(blockKey{key.unit, key.level - 1, true})
	for i := range blockSize {
		if !key.whole && key.level > 1 {
			d.Call(start, d.block(blockKey{key.unit, key.level - 1, false}), end)
		}
		if start = d.call(start, part); !key.whole && i < blockSize-1 {
			d.Empty(start, end)
		}
	}
	if key.whole {
		d.Empty(start, end)
	}
	return r
}
