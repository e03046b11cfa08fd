package kvcache

import "github.com/hachi-serve/hachi/internal/model"

// unindexed is the entry of a block that cannot enter the index, because another
// block has its key. No block after it in the table enters the index either.
const unindexed = uint64(1)<<63 - 1

// root is the parent of a first block: an entry that no block has.
func (t *Table) root() uint64 {
	if t.Salt == 0 {
		return 0
	}
	return t.Salt | 1<<63
}

// limit is the maximum number of blocks of tokens that may be read from the
// cache: the last token is computed.
func limit(tokens []int32) int { return (len(tokens) - 1) / model.BlockSize }

// hash computes the keys of all full blocks of tokens.
func (t *Table) hash(tokens []int32) { t.keys = Keys(t.keys, t.Salt, tokens) }

// Keys appends to keys, which are those of the first full blocks of tokens, the keys
// of the other full blocks. The key of a block is a hash of the salt and of every
// token up to the end of the block.
func Keys(keys []uint64, salt uint64, tokens []int32) []uint64 {
	for i := len(keys); (i+1)*model.BlockSize <= len(tokens); i++ {
		h := salt
		if i > 0 {
			h = keys[i-1]
		}
		for _, token := range tokens[i*model.BlockSize : (i+1)*model.BlockSize] {
			h = mix(h ^ uint64(uint32(token)))
		}
		keys = append(keys, h)
	}
	return keys
}

// mix is the finalizer of SplitMix64.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// find puts the blocks of the longest indexed prefix into an empty table. It
// adds no references. It returns their number and the entry of the last.
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

// holds reports whether a block's content is tokens, after the entry parent.
func (b *block) holds(parent uint64, tokens []int32) bool {
	return b.parent == parent && b.tokens == [model.BlockSize]int32(tokens[:model.BlockSize])
}

// offer puts the table's block i, which holds tokens, into the index. If another
// block is there with the same content, the table takes that one instead.
func (p *Pool) offer(t *Table, i int, tokens []int32) {
	if t.last == unindexed {
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
		t.last = unindexed
	}
}

// promise announces the blocks that the table is about to compute, so that
// others can wait for them.
func (p *Pool) promise(t *Table) {
	t.promised = t.known
	for ; t.promised < len(t.keys); t.promised++ {
		p.awaited[t.keys[t.promised]]++
	}
}

// fulfill ends one announcement.
func (p *Pool) fulfill(key uint64) {
	if p.awaited[key]--; p.awaited[key] == 0 {
		delete(p.awaited, key)
	}
}
