package batcher

import (
	"testing"
	"time"
)

func TestSpeedSeparatesExpertsFromRows(t *testing.T) {
	var f fit
	for i := range 1000 {
		experts, rows := 1+i%4, 1+i%7*i%5
		f.add(experts, experts*rows, time.Duration(experts)*time.Millisecond+time.Duration(experts*rows)*100*time.Microsecond)
	}
	s := f.speed()
	if d := s.Expert - time.Millisecond; d.Abs() > 10*time.Microsecond {
		t.Errorf("%v per expert, want 1ms", s.Expert)
	}
	if d := s.Row - 100*time.Microsecond; d.Abs() > time.Microsecond {
		t.Errorf("%v per row, want 100µs", s.Row)
	}
}

func TestSpeedOfBatchesThatAreAllAlikeCountsPerExpert(t *testing.T) {
	var f fit
	for range 100 {
		f.add(2, 2, 4*time.Millisecond)
	}
	if s := f.speed(); s.Row != 0 || (s.Expert-2*time.Millisecond).Abs() > time.Microsecond || s.Busy != 400*time.Millisecond {
		t.Errorf("%+v", s)
	}
	if s := (&fit{}).speed(); s != (Speed{}) {
		t.Errorf("%+v before any batch", s)
	}
}

// TestSpeedIsNeverNegative where more rows happen to take less time.
func TestSpeedIsNeverNegative(t *testing.T) {
	for _, took := range [][2]time.Duration{{9, 1}, {1, 100}} {
		var f fit
		f.add(1, 1, took[0]*time.Millisecond)
		f.add(1, 8, took[1]*time.Millisecond)
		if s := f.speed(); s.Expert < 0 || s.Row < 0 || s.Expert+s.Row == 0 {
			t.Errorf("%v: %+v", took, s)
		}
	}
}
