package cuda

import (
	"math/rand/v2"
	"testing"

	"github.com/hachi-serve/hachi/internal/model"
)

// randomStep is spans of several sequences with page numbers of their own.
func randomStep(rng *rand.Rand) *model.Batch {
	b := &model.Batch{}
	for s := range 1 + rng.IntN(5) {
		span := model.Span{Start: rng.IntN(600), N: 1 + rng.IntN(40)}
		for page := range (span.Start+span.N)/model.BlockSize + 1 {
			span.Blocks = append(span.Blocks, int32(1000*s+page))
		}
		b.Spans, b.Tokens = append(b.Spans, span), append(b.Tokens, make([]int32, span.N)...)
	}
	return b
}

// TestPassesCoverEveryTileOfEveryRowOnce, within their bounds, for random steps.
func TestPassesCoverEveryTileOfEveryRowOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		l := passLimits{rows: 1 + rng.IntN(30), slots: 6 + rng.IntN(60), pages: 50 + rng.IntN(200), window: []int{0, 100, 300}[rng.IntN(3)], group: []int{1, 3, 4, 16, 20}[rng.IntN(5)]}
		rows := stepRows(randomStep(rng))
		first := rng.IntN(len(rows))
		next := first
		for _, p := range densePasses(rows, first, len(rows)-first, l) {
			if p.first != next || p.rows < 1 || p.rows > l.rows || p.rows > 1 && (p.slots > l.slots || len(p.pages) > l.pages) {
				t.Fatalf("%+v: a pass of rows %d to %d with %d slots and %d pages, want it from row %d", l, p.first, p.first+p.rows, p.slots, len(p.pages), next)
			}
			checkPass(t, p, rows, l)
			next += p.rows
		}
		if next != len(rows) {
			t.Fatalf("%+v: passes end at row %d of %d", l, next, len(rows))
		}
	}
}

func checkPass(t *testing.T, p densePass, rows []stepRow, l passLimits) {
	t.Helper()
	slots := map[int32]bool{}
	for i, at := range p.places {
		row := rows[p.first+i]
		for page := range row.position/model.BlockSize + 1 {
			if got, want := p.pages[int(at.table)+page], row.blocks[page]; got != want {
				t.Fatalf("page %d of row %d is %d, want %d", page, i, got, want)
			}
		}
		for tile := l.firstTile(row.position); tile <= row.position/tilePositions; tile++ {
			slot, units := at.slot+int32(tile), 0
			for _, u := range p.units {
				if int(u.tile) == tile && int(u.row) <= i && i < int(u.row+u.rows) {
					units++
				}
				if last := rows[p.first+int(u.row+u.rows)-1]; int(u.rows) > l.unitRows() || last.span != rows[p.first+int(u.row)].span {
					t.Fatalf("a unit of %d rows, or of two sequences", u.rows)
				}
			}
			if units != 1 || slots[slot] || slot < 0 || int(slot) >= p.slots {
				t.Fatalf("tile %d of row %d is in %d units, and in slot %d of %d, taken before: %v", tile, i, units, slot, p.slots, slots[slot])
			}
			slots[slot] = true
		}
	}
}
