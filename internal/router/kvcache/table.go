package kvcache

import "github.com/hachi-serve/hachi/internal/model"

// Table is the blocks of one sequence. The zero value is empty.
type Table struct {
	// Blocks: position p lives in Blocks[p/model.BlockSize]. Owned by the Pool.
	Blocks []int32
	// Salt separates prefix caches: only tables of equal salt share blocks. 0 is
	// the default. Its highest bit is ignored. Set it before the first use.
	Salt uint64

	keys []uint64 // of the full blocks of the sequence's tokens
	// known is the number of leading blocks that are computed and have been
	// offered to the index; last is the entry of the last of them.
	known int
	last  uint64
	// promised is the number of leading blocks that others may wait for.
	promised int
}

// Cached is the number of positions that need not be computed: after Acquire,
// those of the prefix that was found.
func (t *Table) Cached() int { return t.known * model.BlockSize }

// Outcome is how Acquire ended.
type Outcome int

const (
	// Acquired means that the table holds all the tokens.
	Acquired Outcome = iota
	// Full means that there are not enough blocks; nothing was taken.
	Full
	// Awaited means that another table is about to compute the next block;
	// nothing was taken.
	Awaited
)

// Terms are the conditions of Acquire.
type Terms struct {
	// Headroom is the number of blocks that must stay free for others.
	Headroom int
	// Compute reads nothing from the cache: every position is computed.
	Compute bool
}

// Acquire fills an empty table for tokens: with the longest prefix that the
// index knows, then with new blocks. The last token is always left to compute.
func (p *Pool) Acquire(t *Table, tokens []int32, terms Terms) Outcome {
	hits, last := 0, t.root()
	if p.reuse {
		t.hash(tokens)
		if !terms.Compute {
			hits, last = p.find(t, tokens)
			if hits < len(t.keys) && p.awaited[t.keys[hits]] > 0 && hits < limit(tokens) {
				t.Blocks = t.Blocks[:0]
				return Awaited
			}
		}
	}
	idle := 0
	for _, b := range t.Blocks {
		if p.blocks[b].refs == 0 {
			idle++
		}
	}
	need := BlocksFor(len(tokens)) - hits
	if need+terms.Headroom > p.Free()-idle {
		t.Blocks = t.Blocks[:0]
		return Full
	}
	for _, b := range t.Blocks {
		p.hold(b)
	}
	for range need {
		t.Blocks = append(t.Blocks, p.allocate())
	}
	t.known, t.last = hits, last
	p.promise(t)
	if p.reuse && !terms.Compute {
		p.stats.Queries += uint64(len(tokens))
		p.stats.Hits += uint64(hits * model.BlockSize)
	}
	return Acquired
}

// Grow extends a table until it holds n positions. It takes nothing when there
// are not enough blocks, and reports whether there were.
func (p *Pool) Grow(t *Table, n int) bool {
	need := BlocksFor(n) - len(t.Blocks)
	if need > p.Free() {
		return false
	}
	for range need {
		t.Blocks = append(t.Blocks, p.allocate())
	}
	return true
}

// Commit records that the first computed positions of tokens are in the table's
// blocks. Blocks that are now full enter the index, or are replaced by a block of
// the same content that is there already.
func (p *Pool) Commit(t *Table, tokens []int32, computed int) {
	if !p.reuse {
		return
	}
	t.hash(tokens[:computed])
	for t.known < computed/model.BlockSize {
		i := t.known
		p.offer(t, i, tokens[i*model.BlockSize:(i+1)*model.BlockSize])
		if i < t.promised {
			p.fulfill(t.keys[i])
		}
		t.known++
	}
}

// Release returns all blocks of a table, last first.
func (p *Pool) Release(t *Table) {
	for i := t.known; i < t.promised; i++ {
		p.fulfill(t.keys[i])
	}
	for i := len(t.Blocks) - 1; i >= 0; i-- {
		p.drop(t.Blocks[i])
	}
	t.Blocks, t.known, t.last, t.promised = t.Blocks[:0], 0, 0, 0
}
