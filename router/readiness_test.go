package router

import (
	"testing"
	"time"
)

// TestReadiness plays what a router sees, an observation a line. Between the
// lines time passes and nothing is seen.
func TestReadiness(t *testing.T) {
	const second = time.Second
	placed := observation{epoch: 1, idle: true}
	busy := observation{epoch: 1}
	at := func(o observation, abandoned, committed uint64) observation {
		o.abandoned, o.committed = abandoned, committed
		return o
	}
	type line struct {
		after time.Duration
		see   observation
		ready bool
	}
	tests := []struct {
		name  string
		lines []line
	}{
		{"starting: not ready until there is a placement", []line{
			{0, observation{idle: true}, false},
			{time.Hour, observation{idle: true}, false},
			{second, placed, true},
			{time.Hour, placed, true},
		}},
		{"requests before the first placement do not count", []line{
			{0, observation{abandoned: 1}, false},
			{20 * second, observation{abandoned: 9}, false},
			{20 * second, at(busy, 9, 0), true},
		}},
		{"a pause is not refused", []line{
			{0, placed, true},
			{second, at(busy, 1, 0), true},
			{29 * second, at(busy, 200, 0), true},
			{second / 2, at(busy, 200, 1), true},
			{time.Hour, at(busy, 200, 2), true},
		}},
		{"unserved for 30 s", []line{
			{0, placed, true},
			{second, at(busy, 1, 0), true},
			{29 * second, at(busy, 2, 0), true},
			{second, at(busy, 3, 0), false},
			{time.Minute, at(busy, 4, 0), false},
			{second, at(busy, 4, 1), true},
		}},
		{"slow failures: a step is abandoned every 12 s", []line{
			{0, placed, true},
			{second, at(busy, 1, 0), true},
			{12 * second, at(busy, 2, 0), true},
			{12 * second, at(busy, 3, 0), true},
			{12 * second, at(busy, 4, 0), false},
		}},
		{"a newer placement ends the pause", []line{
			{0, placed, true},
			{second, at(busy, 1, 0), true},
			{40 * second, at(busy, 2, 0), false},
			{second, observation{epoch: 2, abandoned: 2}, true},
			{second, observation{epoch: 2, abandoned: 3}, true},
			{30 * second, observation{epoch: 2, abandoned: 4}, false},
		}},
		{"two pauses do not add up", []line{
			{0, placed, true},
			{second, at(busy, 1, 0), true},
			{20 * second, at(busy, 1, 1), true},
			{second, at(busy, 2, 1), true},
			{20 * second, at(busy, 3, 1), true},
			{10 * second, at(busy, 4, 1), false},
		}},
		{"a step that went through in the same look is progress", []line{
			{0, placed, true},
			{second, at(busy, 1, 1), true},
			{time.Hour, at(busy, 1, 1), true},
		}},
		{"idle, it forgets, and the next request tells", []line{
			{0, placed, true},
			{second, at(busy, 1, 0), true},
			{30 * second, at(busy, 2, 0), false},
			{9 * second, at(placed, 2, 0), false},
			{second, at(placed, 2, 0), true},
			{second, at(busy, 3, 0), true},
			{30 * second, at(busy, 4, 0), false},
		}},
	}
	for _, tt := range tests {
		r, now := &readiness{}, time.Unix(1, 0)
		for i, l := range tt.lines {
			now = now.Add(l.after)
			r.observe(now, l.see)
			if r.ok(now) != l.ready {
				t.Errorf("%s: line %d: ready %v, want %v", tt.name, i, !l.ready, l.ready)
			}
		}
	}
}

// TestReadinessFadesBetweenLooks: the 30 s end by themselves.
func TestReadinessFadesBetweenLooks(t *testing.T) {
	r, now := &readiness{}, time.Unix(1, 0)
	r.observe(now, observation{epoch: 1, abandoned: 0})
	r.observe(now, observation{epoch: 1, abandoned: 1})
	if !r.ok(now.Add(unservedFor-1)) || r.ok(now.Add(unservedFor)) {
		t.Error("it did not fade at 30 s")
	}
}
