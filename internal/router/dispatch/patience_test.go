package dispatch

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// TestPatienceWithAnUnmeasuredNode is the longest of all others, whatever they have
// measured, in whatever order.
func TestPatienceWithAnUnmeasuredNode(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		n := newNodeTracker(time.Time{})
		for step := range 3000 {
			node := moe.NodeID(fmt.Sprint("n", r.IntN(5)))
			slow := time.Duration(1+r.IntN(1+int(seed)*50)) * time.Millisecond
			n.sample(n.record(node), 1+r.IntN(300), slow, r.IntN(4) == 0)
			if step%7 > 0 {
				continue
			}
			rows := 1 + r.IntN(600)
			want := time.Duration(0)
			for id, of := range n.records {
				if got := n.patience(of, rows); of.patience(bucketOf(rows)) > 0 && got != of.patience(bucketOf(rows)) {
					t.Fatalf("seed %d, step %d: %s has a patience of %v, want %v", seed, step, id, got, of.patience(bucketOf(rows)))
				}
				want = max(want, of.patience(bucketOf(rows)))
			}
			if got := n.patience(&record{measured: &measured{}}, rows); got != want {
				t.Fatalf("seed %d, step %d: %v for %d rows, want %v", seed, step, got, rows, want)
			}
		}
	}
}

// BenchmarkPatience is with a node that was not measured, beside a thousand that were.
func BenchmarkPatience(b *testing.B) {
	n := newNodeTracker(time.Time{})
	for i := range 1000 {
		for range minSamples {
			n.sample(n.record(moe.NodeID(fmt.Sprint("n", i))), 8, time.Millisecond, false)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		n.patience(&record{measured: &measured{}}, 8)
	}
}
