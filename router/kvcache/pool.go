package kvcache

import (
	"fmt"

	"github.com/hachi-serve/hachi/model"
)

// Pool hands out blocks of model.BlockSize positions.
type Pool struct {
	free []int32
	used []bool
}

// NewPool makes a pool of total free blocks, numbered from 0.
func NewPool(total int) *Pool {
	p := &Pool{free: make([]int32, total), used: make([]bool, total)}
	for i := range p.free {
		p.free[i] = int32(total - 1 - i)
	}
	return p
}

// BlocksFor is the number of blocks that hold n positions.
func BlocksFor(n int) int { return (n + model.BlockSize - 1) / model.BlockSize }

// Total is the number of blocks; Free how many nobody owns.
func (p *Pool) Total() int { return len(p.used) }
func (p *Pool) Free() int  { return len(p.free) }

// Grow extends a block table until it holds n positions. It takes nothing when
// there are not enough blocks, and reports whether there were.
func (p *Pool) Grow(table []int32, n int) ([]int32, bool) {
	need := BlocksFor(n) - len(table)
	if need > len(p.free) {
		return table, false
	}
	for range need {
		last := len(p.free) - 1
		block := p.free[last]
		p.free = p.free[:last]
		p.used[block] = true
		table = append(table, block)
	}
	return table, true
}

// Release takes back the blocks of a table.
func (p *Pool) Release(table []int32) {
	for _, block := range table {
		if !p.used[block] {
			panic(fmt.Sprintf("kvcache: block %d released twice", block))
		}
		p.used[block] = false
		p.free = append(p.free, block)
	}
}

// Check reports a broken invariant. tables are all live block tables.
func (p *Pool) Check(tables ...[]int32) error {
	owned := map[int32]bool{}
	for _, table := range tables {
		for _, block := range table {
			if owned[block] || !p.used[block] {
				return fmt.Errorf("kvcache: block %d is owned twice or free", block)
			}
			owned[block] = true
		}
	}
	if len(owned)+len(p.free) != len(p.used) {
		return fmt.Errorf("kvcache: %d owned and %d free of %d blocks", len(owned), len(p.free), len(p.used))
	}
	return nil
}
