package kvcache

import (
	"errors"
	"fmt"
)

// Check reports every broken invariant. tables are all tables in use; without
// any, no block may be in use.
func (p *Pool) Check(tables ...*Table) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("kvcache: "+format, args...))
	}
	refs := make([]int32, len(p.blocks))
	awaited := map[uint64]int{}
	for _, t := range tables {
		for _, b := range t.Blocks {
			refs[b]++
		}
		for i := t.known; i < t.promised; i++ {
			awaited[t.keys[i]]++
		}
	}
	used, entries := 0, 0
	for i := range p.blocks {
		b := &p.blocks[i]
		if b.refs != refs[i] {
			fault("block %d has %d references, tables hold %d", i, b.refs, refs[i])
		}
		if b.refs > 1 && b.entry == 0 {
			fault("block %d is shared and not in the index", i)
		}
		if b.refs > 0 {
			used++
		}
		if b.entry != 0 {
			entries++
			if p.index[b.key] != int32(i) {
				fault("block %d has an entry that the index does not know", i)
			}
		}
	}
	if entries != len(p.index) {
		fault("%d blocks have entries, the index has %d", entries, len(p.index))
	}
	if len(p.free)+used+p.idle.n != len(p.blocks) {
		fault("%d free, %d used and %d cached of %d blocks", len(p.free), used, p.idle.n, len(p.blocks))
	}
	if len(awaited) != len(p.awaited) {
		fault("%d blocks are awaited, tables promise %d", len(p.awaited), len(awaited))
	}
	for key, n := range awaited {
		if p.awaited[key] != n {
			fault("a block is awaited %d times, tables promise it %d times", p.awaited[key], n)
		}
	}
	return errors.Join(append(faults, p.checkLists())...)
}

// checkLists walks the free and the idle list.
func (p *Pool) checkLists() error {
	seen := make([]bool, len(p.blocks))
	take := func(b int32, cached bool) error {
		blk := &p.blocks[b]
		if seen[b] || blk.refs != 0 || (blk.entry != 0) != cached {
			return fmt.Errorf("kvcache: block %d is listed twice or wrongly: %d references, entry %d", b, blk.refs, blk.entry)
		}
		seen[b] = true
		return nil
	}
	for _, b := range p.free {
		if err := take(b, false); err != nil {
			return err
		}
	}
	n := 0
	for b := p.idle.head; b != none; b = p.blocks[b].next {
		if err := take(b, true); err != nil {
			return err
		}
		n++
	}
	if n != p.idle.n {
		return fmt.Errorf("kvcache: the idle list has %d blocks and counts %d", n, p.idle.n)
	}
	return nil
}
