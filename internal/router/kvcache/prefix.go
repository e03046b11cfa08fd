package kvcache

import "github.com/hachi-serve/hachi/internal/model"

// lost is the entry of a chain that a collision of keys has cut: nothing after
// it enters the index.
const lost = uint64(1)<<63 - 1

// root is what the first block follows: an entry that no block has.
func (t *Table) root() uint64 {
	if t.Salt == 0 {
		return 0
	}
	return t.Salt | 1<<63
}

// limit is how many blocks of tokens may be read from the cache.
func limit(tokens []int32) int { return (len(tokens) - 1) / model.BlockSize }

// hash makes the keys of all full blocks of tokens.
func (t *Table) hash(tokens []int32) {
	for i := len(t.keys); (i+1)*model.BlockSize <= len(tokens); i++ {
		h := t.Salt
		if i > 0 {
			h = t.keys[i-1]
		}
		for _, token := range tokens[i*model.BlockSize : (i+1)*model.BlockSize] {
			h = mix(h ^ uint64(uint32(token)))
		}
		t.keys = append(t.keys, h)
	}
}

// mix is the finaliser of SplitMix64.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// find puts the blocks of the longest known prefix into an empty table,
// without references, and returns their number and the entry of the last.
func (p *Pool) find(t *Table, tokens []int32) (hits int, last uint64) {
	last = t.root()
	for ; hits < limit(tokens); hits++ {
		b, ok := p.index[t.keys[hits]]
		if !ok || !p.blocks[b].holds(last, tokens[hits*model.BlockSize:]) {
			break
		}
		t.Blocks = append(t.Blocks, b)
		last = p.blocks[b].entry
	}
	return hits, last
}

// holds compares a block's content with what follows the entry parent.
func (b *block) holds(parent uint64, tokens []int32) bool {
	return b.parent == parent && b.tokens == [model.BlockSize]int32(tokens[:model.BlockSize])
}

// offer makes the table's block i, which holds tokens, known to the index, or
// exchanges it for the block that is known for the same content.
func (p *Pool) offer(t *Table, i int, tokens []int32) {
	if t.last == lost {
		return
	}
	key, own := t.keys[i], t.Blocks[i]
	other, taken := p.index[key]
	switch {
	case !taken:
		p.serial++
		p.index[key] = own
		blk := &p.blocks[own]
		blk.key, blk.entry, blk.parent = key, p.serial, t.last
		copy(blk.tokens[:], tokens)
		t.last = p.serial
	case p.blocks[other].holds(t.last, tokens):
		p.hold(other)
		p.drop(own)
		t.Blocks[i], t.last = other, p.blocks[other].entry
	default:
		t.last = lost
	}
}

// promise announces the blocks that the table is about to compute.
func (p *Pool) promise(t *Table) {
	t.promised = t.known
	for ; t.promised < len(t.keys); t.promised++ {
		p.awaited[t.keys[t.promised]]++
	}
}

// fulfil ends one announcement.
func (p *Pool) fulfil(key uint64) {
	if p.awaited[key]--; p.awaited[key] == 0 {
		delete(p.awaited, key)
	}
}
