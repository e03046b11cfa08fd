package kvcache

import "github.com/hachi-serve/hachi/internal/model"

// Options shape a pool.
type Options struct {
	Blocks int // of model.BlockSize positions
	// Reuse lets a sequence read blocks that other sequences have computed.
	Reuse bool
}

// Pool hands out blocks, numbered from 0.
type Pool struct {
	reuse  bool
	blocks []block
	free   []int32
	idle   lru              // cached blocks
	index  map[uint64]int32 // key -> block
	serial uint64           // of the newest entry
	// awaited counts, by key, the tables that are about to compute a block.
	awaited map[uint64]int
	stats   Stats
}

// block is what the pool knows about one block.
type block struct {
	refs       int32
	prev, next int32 // in the idle list
	key        uint64
	entry      uint64 // serial number of the content; 0 is none
	parent     uint64 // entry of the block before, 0 for the first
	tokens     [model.BlockSize]int32
}

// Stats count since the start.
type Stats struct {
	Queries   uint64 // tokens of sequences that looked for a prefix
	Hits      uint64 // tokens found
	Evictions uint64 // blocks
}

// NewPool returns a pool of free blocks.
func NewPool(o Options) *Pool {
	p := &Pool{
		reuse: o.Reuse, blocks: make([]block, o.Blocks), free: make([]int32, o.Blocks),
		idle: newLRU(), index: map[uint64]int32{}, awaited: map[uint64]int{},
	}
	for i := range p.free {
		p.free[i] = int32(o.Blocks - 1 - i)
	}
	return p
}

// BlocksFor is the number of blocks that hold n positions.
func BlocksFor(n int) int { return (n + model.BlockSize - 1) / model.BlockSize }

// Total is the number of blocks.
func (p *Pool) Total() int { return len(p.blocks) }

// Free is the number of blocks that can be allocated: free and cached ones.
func (p *Pool) Free() int { return len(p.free) + p.idle.n }

// Cached is the number of cached blocks.
func (p *Pool) Cached() int { return p.idle.n }

// Stats returns the counts.
func (p *Pool) Stats() Stats { return p.stats }

// allocate returns a block with one reference. Free must be at least 1.
func (p *Pool) allocate() int32 {
	var b int32
	if last := len(p.free) - 1; last >= 0 {
		b = p.free[last]
		p.free = p.free[:last]
	} else {
		b = p.idle.head
		p.idle.remove(p.blocks, b)
		delete(p.index, p.blocks[b].key)
		p.blocks[b].entry = 0
		p.stats.Evictions++
	}
	p.blocks[b].refs = 1
	return b
}

// hold adds a reference.
func (p *Pool) hold(b int32) {
	if p.blocks[b].refs == 0 {
		p.idle.remove(p.blocks, b)
	}
	p.blocks[b].refs++
}

// drop removes a reference.
func (p *Pool) drop(b int32) {
	blk := &p.blocks[b]
	if blk.refs--; blk.refs > 0 {
		return
	}
	if blk.entry != 0 {
		p.idle.append(p.blocks, b)
	} else {
		p.free = append(p.free, b)
	}
}
