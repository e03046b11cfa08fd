package kvcache

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hachi-serve/hachi/internal/model"
)

// world pairs a pool with the content that a backend's blocks would have.
type world struct {
	pool    *Pool
	content [][model.BlockSize]int32
	live    []*user
	weak    bool // few keys, so that different contents collide
}

type user struct {
	table    Table
	tokens   []int32
	computed int
}

// content is what computing a position writes: never the same for two salts.
func (u *user) content(pos int) int32 { return 10*u.tokens[pos] + int32(u.table.Salt) }

// weaken replaces the keys of all full blocks by ones that collide.
func (w *world) weaken(u *user) {
	if !w.weak {
		return
	}
	for i := len(u.table.keys); (i+1)*model.BlockSize <= len(u.tokens); i++ {
		u.table.keys = append(u.table.keys, uint64(u.tokens[i*model.BlockSize]&1))
	}
}

// draw makes tokens that often share prefixes: few values, repeated in blocks.
func draw(t *rapid.T, label string) []int32 {
	var out []int32
	for range rapid.IntRange(0, 3).Draw(t, label+" blocks") {
		out = append(out, slices.Repeat([]int32{rapid.Int32Range(0, 3).Draw(t, label)}, model.BlockSize)...)
	}
	for range rapid.IntRange(1, 20).Draw(t, label+" rest") {
		out = append(out, 7)
	}
	return out
}

func (w *world) acquire(t *rapid.T) {
	u := &user{tokens: draw(t, "token"), table: Table{Salt: rapid.Uint64Range(0, 1).Draw(t, "salt")}}
	w.weaken(u)
	terms := Terms{Headroom: rapid.IntRange(0, 3).Draw(t, "headroom"), Compute: rapid.Bool().Draw(t, "compute")}
	if w.pool.Acquire(&u.table, u.tokens, terms) != Acquired {
		if len(u.table.Blocks) > 0 || u.table.Cached() > 0 {
			t.Fatal("something was taken")
		}
		return
	}
	u.computed = u.table.Cached()
	if u.computed >= len(u.tokens) || (terms.Compute && u.computed > 0) {
		t.Fatalf("%d of %d positions are cached", u.computed, len(u.tokens))
	}
	if w.pool.Free() < terms.Headroom {
		t.Fatalf("%d blocks are left, headroom %d", w.pool.Free(), terms.Headroom)
	}
	w.read(t, u)
	w.live = append(w.live, u)
}

// read checks that the blocks hold what was computed.
func (w *world) read(t *rapid.T, u *user) {
	for pos := range u.computed {
		if got := w.content[u.table.Blocks[pos/model.BlockSize]][pos%model.BlockSize]; got != u.content(pos) {
			t.Fatalf("position %d holds %d, the sequence has %d", pos, got, u.content(pos))
		}
	}
}

// advance computes some positions, rejected drafts among them, and commits.
func (w *world) advance(t *rapid.T, u *user) {
	n := rapid.IntRange(0, len(u.tokens)-u.computed).Draw(t, "rows")
	drafts := rapid.IntRange(0, 3).Draw(t, "drafts")
	if u.computed+n < len(u.tokens) {
		drafts = 0
	}
	if !w.pool.Grow(&u.table, u.computed+n+drafts) {
		return
	}
	for pos := u.computed; pos < u.computed+n+drafts; pos++ {
		token := int32(-1)
		if pos < len(u.tokens) {
			token = u.content(pos)
		}
		w.content[u.table.Blocks[pos/model.BlockSize]][pos%model.BlockSize] = token
	}
	u.computed += n
	w.pool.Commit(&u.table, u.tokens, u.computed)
	if u.computed == len(u.tokens) {
		u.tokens = append(u.tokens, rapid.Int32Range(0, 1).Draw(t, "next"))
		w.weaken(u)
	}
}

// TestCachedContentIsTheContent: whatever happens, what a sequence reads from
// its blocks is what computing its own tokens would have written there.
func TestCachedContentIsTheContent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		blocks := rapid.IntRange(1, 14).Draw(t, "blocks")
		w := &world{
			pool:    NewPool(Options{Blocks: blocks, Reuse: rapid.IntRange(0, 4).Draw(t, "reuse") > 0}),
			content: make([][model.BlockSize]int32, blocks), weak: rapid.Bool().Draw(t, "weak"),
		}
		for range rapid.IntRange(1, 60).Draw(t, "operations") {
			op := rapid.IntRange(0, 5).Draw(t, "operation")
			if op == 0 || len(w.live) == 0 {
				w.acquire(t)
			} else {
				i := rapid.IntRange(0, len(w.live)-1).Draw(t, "user")
				if u := w.live[i]; op == 1 {
					w.pool.Release(&u.table)
					w.live = slices.Delete(w.live, i, i+1)
				} else {
					w.advance(t, u)
				}
			}
			w.check(t)
		}
		for _, u := range w.live {
			w.pool.Release(&u.table)
		}
		w.live = nil
		w.check(t)
		if w.pool.Free() != w.pool.Total() {
			t.Fatalf("%d of %d blocks are free at the end", w.pool.Free(), w.pool.Total())
		}
	})
}

func (w *world) check(t *rapid.T) {
	var tables []*Table
	for _, u := range w.live {
		tables = append(tables, &u.table)
		w.read(t, u)
	}
	if err := w.pool.Check(tables...); err != nil {
		t.Fatal(err)
	}
}

// TestCheckFindsFaults breaks a pool on purpose.
func TestCheckFindsFaults(t *testing.T) {
	tokens := make([]int32, 40)
	for name, spoil := range map[string]func(p *Pool, t *Table){
		"leaked reference":  func(p *Pool, _ *Table) { p.blocks[0].refs++ },
		"lost block":        func(p *Pool, _ *Table) { p.free = p.free[1:] },
		"freed while used":  func(p *Pool, t *Table) { p.free = append(p.free, t.Blocks[0]) },
		"stale index":       func(p *Pool, _ *Table) { p.index[1] = 0 },
		"forgotten promise": func(p *Pool, _ *Table) { p.awaited[5]++ },
		"shared write":      func(p *Pool, t *Table) { p.blocks[t.Blocks[2]].refs = 2 },
	} {
		p, table := NewPool(Options{Blocks: 6, Reuse: true}), &Table{}
		p.Acquire(table, tokens, Terms{})
		p.Commit(table, tokens, 40)
		if err := p.Check(table); err != nil {
			t.Fatal(err)
		}
		spoil(p, table)
		if p.Check(table) == nil {
			t.Errorf("%s: not found", name)
		}
	}
}

func BenchmarkAcquireCommitRelease(b *testing.B) {
	p, tokens := NewPool(Options{Blocks: 1024, Reuse: true}), make([]int32, 4000)
	for i := range tokens {
		tokens[i] = int32(i)
	}
	for b.Loop() {
		var t Table
		p.Acquire(&t, tokens, Terms{})
		p.Commit(&t, tokens, len(tokens))
		p.Release(&t)
	}
}
