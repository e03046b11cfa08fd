package cpu

import "testing"

func TestOwnersTakeQuartersFromTheFront(t *testing.T) {
	var s share
	s.set(10, 26)
	for _, want := range [][2]int{{10, 14}, {14, 17}, {17, 20}, {20, 22}, {22, 23}, {23, 24}, {24, 25}, {25, 26}} {
		if lo, hi, ok := s.front(); !ok || lo != want[0] || hi != want[1] {
			t.Errorf("front took %d to %d, %v, want %v", lo, hi, ok, want)
		}
	}
	if lo, hi, ok := s.front(); ok {
		t.Errorf("front took %d to %d of nothing", lo, hi)
	}
}

func TestHelpersTakeHalvesFromTheBack(t *testing.T) {
	var s share
	s.set(0, 16)
	for _, want := range [][2]int{{8, 16}, {4, 8}, {2, 4}, {1, 2}, {0, 1}} {
		if lo, hi, ok := s.back(); !ok || lo != want[0] || hi != want[1] {
			t.Errorf("back took %d to %d, %v, want %v", lo, hi, ok, want)
		}
	}
	if lo, hi, ok := s.back(); ok {
		t.Errorf("back took %d to %d of nothing", lo, hi)
	}
}

func TestNobodyJoinsARunThatHasEnded(t *testing.T) {
	c := newCrew()
	if c.join() {
		t.Error("joined before the first run")
	}
	c.begin()
	if !c.join() || !c.join() {
		t.Error("did not join a run")
	}
	c.leave()
	if !c.end() {
		t.Error("one is inside, and the run reported none")
	}
	if c.join() {
		t.Error("joined a run that has ended")
	}
	c.leave()
	c.empty.wait()
	c.begin()
	if c.end() {
		t.Error("none joined, and the run reported one")
	}
}
