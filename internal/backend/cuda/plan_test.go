package cuda

import (
	"math/rand/v2"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// TestPassesComputeEveryRowOnce: whatever the rows of the experts are, each reply has
// a slot in a tile of its expert, and a pass stays within the memory of a lane.
func TestPassesComputeEveryRowOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for round := range 300 {
		var groups []moe.Group
		var images []*image
		rows, format := 1+rng.IntN(3000), tensor.BF16
		for expert := range 1 + rng.IntN(300) {
			if rng.IntN(40) == 0 {
				format = tensor.Int8
			}
			g := moe.Group{Expert: expert}
			for range rng.IntN(1 << rng.IntN(12)) {
				g.Index = append(g.Index, int32(rng.IntN(rows)))
			}
			groups, images = append(groups, g), append(images, &image{format: format})
		}
		checkPasses(t, round, groups, images)
	}
}

func checkPasses(t *testing.T, round int, groups []moe.Group, images []*image) {
	t.Helper()
	largest := func(f tensor.DType) int {
		return map[tensor.DType]int{tensor.BF16: maxWGMMATile, tensor.Int8: maxQuantizedTile}[f]
	}
	type reply struct {
		of  *image
		row int32
	}
	var want, got []reply
	for i, g := range groups {
		for _, row := range g.Index {
			want = append(want, reply{images[i], row})
		}
	}
	for _, p := range passes(groups, images, largest) {
		if len(p.slots) > maxSlots || len(p.replies) > maxRows || len(p.rows) > maxRows || len(p.images) > maxTiles || len(p.slots) != len(p.images)*p.tile {
			t.Fatalf("round %d: %d slots, %d replies, %d rows and %d tiles of %d", round, len(p.slots), len(p.replies), len(p.rows), len(p.images), p.tile)
		}
		for _, slot := range p.replies {
			m := p.images[int(slot)/p.tile]
			if m.format != p.format {
				t.Fatalf("round %d: %v in a pass of %v", round, m.format, p.format)
			}
			got = append(got, reply{m, p.rows[p.slots[slot]]})
		}
	}
	if len(got) != len(want) {
		t.Fatalf("round %d: %d replies, want %d", round, len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("round %d: reply %d is %v, want %v", round, i, got[i], want[i])
		}
	}
}
