package cpu

import "testing"

func TestOwnerTakesQuartersFromTheFront(t *testing.T) {
	var r workRange
	r.set(10, 26)
	for _, want := range [][2]int{{10, 14}, {14, 17}, {17, 20}, {20, 22}, {22, 23}, {23, 24}, {24, 25}, {25, 26}} {
		if lo, hi, ok := r.take(); !ok || lo != want[0] || hi != want[1] {
			t.Errorf("took %d to %d, %v, want %v", lo, hi, ok, want)
		}
	}
	if lo, hi, ok := r.take(); ok {
		t.Errorf("took %d to %d of nothing", lo, hi)
	}
}

func TestThiefTakesHalvesFromTheBack(t *testing.T) {
	var r workRange
	r.set(0, 16)
	for _, want := range [][2]int{{8, 16}, {4, 8}, {2, 4}, {1, 2}, {0, 1}} {
		if lo, hi, ok := r.steal(); !ok || lo != want[0] || hi != want[1] {
			t.Errorf("stole %d to %d, %v, want %v", lo, hi, ok, want)
		}
	}
	if lo, hi, ok := r.steal(); ok {
		t.Errorf("stole %d to %d of nothing", lo, hi)
	}
}

func TestNoWorkerJoinsARunThatHasEnded(t *testing.T) {
	a := newActiveWorkers()
	if a.join() {
		t.Error("joined before the first run")
	}
	a.begin()
	if !a.join() || !a.join() {
		t.Error("did not join a run")
	}
	a.leave()
	if !a.end() {
		t.Error("a worker is inside, and the run reported none")
	}
	if a.join() {
		t.Error("joined a run that has ended")
	}
	a.leave()
	a.idle.park()
	a.begin()
	if a.end() {
		t.Error("no worker joined, and the run reported one")
	}
}
