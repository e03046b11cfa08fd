package coordinator

import (
	"math"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func TestNodesNeeded(t *testing.T) {
	with := func(capacities ...int) (out []planner.Node) {
		for _, c := range capacities {
			out = append(out, planner.Node{Capacity: c})
		}
		return out
	}
	for _, c := range []struct {
		name             string
		nodes            []planner.Node
		busy             float64
		copies, replicas int
		want             int
	}{
		{"idle, no limit of memory", with(-1, -1, -1), 0, 64, 1, 1},
		{"replicas", with(-1, -1, -1), 0.1, 64, 2, 2},
		{"memory", with(20, 12), 0.1, 64, 2, 4},
		{"load at the target", with(-1, -1, -1, -1), 2.8, 64, 2, 4},
		{"load above the target", with(-1, -1, -1, -1), 3.2, 64, 2, 5},
		{"saturated", with(64, 64), 2, 64, 1, 3},
		{"no node", nil, 0, 64, 2, 2},
	} {
		if got := needed(c.nodes, c.busy, utilizationTarget, c.copies, c.replicas); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestNodesNeededDoNotFlap: time is an argument. Steps are those of a coordinator.
func TestNodesNeededDoNotFlap(t *testing.T) {
	const minute = int(time.Minute / tick)
	nodes := []planner.Node{{Capacity: -1}, {Capacity: -1}, {Capacity: -1}, {Capacity: -1}}
	d, now := demand{patience: time.Minute}, time.Unix(0, 0)
	changes := 0
	observe := func(busy float64) {
		before := d.nodes
		d.observe(len(nodes), needed(nodes, busy, utilizationTarget, 64, 1), needed(nodes, busy, utilizationFloor, 64, 1), now)
		now = now.Add(tick)
		if before != 0 && d.nodes != before {
			changes++
		}
	}
	want := func(what string, n, changed int) {
		t.Helper()
		if d.nodes != n || changes != changed {
			t.Errorf("%s: %d nodes after %d changes, want %d after %d", what, d.nodes, changes, n, changed)
		}
		changes = 0
	}
	observe(0)
	want("a new leader, which has measured nothing", 4, 0)
	for i := range 100 * minute {
		observe(2.8 + 0.1*math.Sin(float64(i))) // 4 x 0.7 = 2.8
	}
	want("a load at the threshold", 5, 1)
	for i := range 100 * minute {
		observe([]float64{2.45, 2.9}[i/(minute/2)%2])
	}
	want("a load that falls for half a minute in every one", 5, 0)
	for range minute + 1 {
		observe(0.5)
	}
	want("a load that has fallen for a minute", 1, 1)
	observe(3)
	want("a load that rises", 5, 1)
	for i := range minute + 1 {
		observe([]float64{0, 1.8}[min(1, i%100)])
	}
	want("the most that was needed in a minute", 3, 1)
}

func TestBusySharesAreOfTheLastMinute(t *testing.T) {
	sheet := timesheet{window: time.Minute}
	now := time.Unix(0, 0)
	a, b := &hachiv1.NodeRecord{NodeId: "a", StartedUnixNano: 1, BusySeconds: 1000}, &hachiv1.NodeRecord{NodeId: "b", StartedUnixNano: 1}
	second := func(busyA, busyB float64) {
		a.BusySeconds, b.BusySeconds, now = a.BusySeconds+busyA, b.BusySeconds+busyB, now.Add(time.Second)
		sheet.observe([]*hachiv1.NodeRecord{a, b}, now)
	}
	want := func(x float64) {
		t.Helper()
		if got := sheet.busy(); math.Abs(got-x) > 0.03 {
			t.Errorf("%g, want %g", got, x)
		}
	}
	second(0, 0)
	want(0)
	for range 120 {
		second(0.5, 0.25)
	}
	want(0.75)
	for range 90 {
		second(0, 1)
	}
	want(1)
	b.StartedUnixNano, b.BusySeconds = 2, 0 // it has restarted
	second(0, 0)
	want(0)
	if n := len(sheet.nodes["a"]); n > 14 {
		t.Errorf("%d entries", n)
	}
	sheet.observe(nil, now)
	want(0)
}
