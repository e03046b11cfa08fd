package batcher

import (
	"testing"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// TestBatchesAreTakenByAnOwnerWithItsOwnClock: calls of a layer together, each expert
// once, and with times of that clock.
func TestBatchesAreTakenByAnOwnerWithItsOwnClock(t *testing.T) {
	now := time.Unix(1000, 0)
	b := New(Config{RowBytes: 2, QueueRows: 100, BatchRows: 100, Now: func() time.Time { return now }})
	var done []*Task
	submit := func(router moe.RouterID, layer int, experts ...int) {
		c := &moe.Call{Router: router, Layer: layer, Rows: 1, X: make([]byte, 2)}
		for _, e := range experts {
			c.Groups = append(c.Groups, moe.Group{Expert: e, Index: []int32{0}})
		}
		task := &Task{Call: c, Y: make([]byte, 2*len(experts))}
		task.Done = func(err error) {
			if err != nil {
				t.Error(err)
			}
			done = append(done, task)
		}
		if err := b.Submit(task); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := b.Take(); ok {
		t.Fatal("an empty queue has a batch")
	}
	submit("r", 0, 1, 2)
	submit("s", 0, 2, 3)
	submit("s", 1, 0)
	now = now.Add(time.Second)
	first, ok := b.Take()
	if !ok || first.Layer != 0 || first.Rows != 4 || len(first.Groups) != 3 || len(first.Groups[1].Index) != 2 {
		t.Fatalf("%v, %+v, want experts 1, 2 and 3 of layer 0, expert 2 with two rows", ok, first)
	}
	now = now.Add(3 * time.Second)
	first.Finish()
	if len(done) != 2 || done[0].Queue != time.Second || done[0].Compute != 3*time.Second {
		t.Errorf("%d tasks, %+v", len(done), done)
	}
	second, ok := b.Take()
	if !ok || second.Layer != 1 || second.Rows != 1 {
		t.Fatalf("%v, %+v", ok, second)
	}
	second.Finish()
	if speed := b.Speed(); len(done) != 3 || speed.Busy != 3*time.Second || b.Busy() {
		t.Errorf("%d tasks, %+v", len(done), speed)
	}
}
