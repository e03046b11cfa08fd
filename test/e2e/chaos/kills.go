package chaos

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// spared is the router that no kill ends: its memory is watched.
const spared = "router-0"

// kills are the menus of which only kills are left, of every process but the spared
// router.
func kills(all []Menu) (out []Menu) {
	for _, m := range all {
		if slices.Contains(m.Kinds, Kill) && m.Target != spared {
			out = append(out, Menu{m.Target, []Kind{Kill}, m.Group, m.Rest})
		}
	}
	return out
}

// flat is how much more memory a router may have in the last quarter of a run than in the
// second: a cache fills in the first.
const flat = 1.2

// growth is the largest of the last quarter of samples and of the second. ok is false with
// fewer than eight.
func growth(samples []int) (early, late int, ok bool) {
	n := len(samples)
	if n < 8 {
		return 0, 0, false
	}
	return slices.Max(samples[n/4 : n/2]), slices.Max(samples[3*n/4:]), true
}

// watchMemory samples the resident memory of the spared router until ctx ends, and notes it,
// and a fault unless it is flat.
func (w *world) watchMemory(ctx context.Context, t *Timeline, every time.Duration) (join func()) {
	var watching sync.WaitGroup
	watching.Go(func() {
		var samples []int
		for wait(ctx, every); ctx.Err() == nil; wait(ctx, every) {
			if n, err := residentBytes(w.process(spared).PID()); err == nil {
				samples = append(samples, n)
			}
		}
		early, late, ok := growth(samples)
		said := fmt.Sprintf("the memory of %s: at most %d MiB in the second quarter, %d MiB in the last", spared, early>>20, late>>20)
		switch {
		case !ok:
			t.Note("the memory of %s has %d samples, too few to compare", spared, len(samples))
		case float64(late) > flat*float64(early):
			t.Fault("%s, more than %g times as much", said, flat)
		default:
			t.Note("%s", said)
		}
	})
	return watching.Wait
}
