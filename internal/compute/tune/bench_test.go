package tune

import (
	"sync/atomic"
	"testing"
)

func TestEveryWorkerDoesEachTurn(t *testing.T) {
	b, err := newBench(2)
	if err != nil {
		t.Fatal(err)
	}
	var turns [2]int
	for range 10 {
		var ended atomic.Int64
		b.each(func(w *worker) {
			for i := range b.workers {
				if b.workers[i] == w {
					turns[i]++
				}
			}
			ended.Add(1)
		})
		if n := ended.Load(); n != 2 {
			t.Fatalf("%d workers have ended, want 2", n)
		}
	}
	if turns != [2]int{10, 10} {
		t.Errorf("the workers have done %v turns, want 10 each", turns)
	}
	if err := b.close(); err != nil {
		t.Error(err)
	}
}
