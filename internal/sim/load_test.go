package sim

import (
	"reflect"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/sim/scenario"
)

// TestLoadsFollowEachOther: each has its own counts, machine and faults, and every node is
// back when the next one begins.
func TestLoadsFollowEachOther(t *testing.T) {
	s := cluster(3, 8, 3, 1)
	m := *s.Routers.Machine
	slow := m
	slow.Bandwidth, slow.CoreBandwidth = m.Bandwidth/400, m.CoreBandwidth/400
	load := Load{Requests: alike(6, 10, 20), Options: Options{Limit: time.Hour, Users: 3, Settled: 4, Keep: true}}
	late, dead := load, load
	late.Machine = &slow
	dead.Machine = &m
	dead.Faults = []scenario.Fault{{Kind: scenario.Kill, Targets: []string{"n0"}, For: time.Second}}
	all, err := RunAll(s, []Load{load, late, dead, load})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range all {
		if r.Requests.Completed != 6 || len(r.Answers) != 6 || len(r.Answers[0]) != 20 {
			t.Errorf("load %d: %+v, %d answers", i, r.Requests, len(r.Answers))
		}
		if faults := r.Cluster.Faults; (faults == 1) != (i == 2) {
			t.Errorf("load %d has %d faults", i, faults)
		}
	}
	if all[1].Seconds < 2*all[0].Seconds {
		t.Errorf("%.3f s with a 400th of the memory's rate, %.3f s with all of it", all[1].Seconds, all[0].Seconds)
	}
	if first, last := all[2].Answers[0], all[2].Struck; last <= first[0] || last >= first[19] {
		t.Errorf("the fault is at %v, an answer from %v to %v", last, first[0], first[19])
	}
	if s.Routers.Machine.Bandwidth != m.Bandwidth || s.Nodes[0].Machine.Bandwidth != m.Bandwidth {
		t.Error("the scenario has changed")
	}
	again, err := RunAll(s, []Load{load, late, dead, load})
	if err != nil || !reflect.DeepEqual(again, all) {
		t.Errorf("the same loads have other reports: %v", err)
	}
}

// TestRoutersKnowWhatEarlierLoadsTaught: prompts of a load that another one came before do
// not wait until decodes have been measured.
func TestRoutersKnowWhatEarlierLoadsTaught(t *testing.T) {
	load := Load{Requests: alike(8, 64, 20), Options: Options{Limit: time.Hour, Users: 8}}
	all, err := RunAll(cluster(3, 8, 2, 1), []Load{load, load})
	if err != nil {
		t.Fatal(err)
	}
	if reflect.DeepEqual(all[0].First, all[1].First) {
		t.Errorf("first tokens come after %+v in both", all[0].First)
	}
}

// TestAStartTakesACore: a node that starts again takes the cores of its host from the
// others meanwhile, and is registered afterwards.
func TestAStartTakesACore(t *testing.T) {
	longest := func(start time.Duration) float64 {
		s := cluster(3, 8, 3, 2)
		m := host(s)
		m.Start = start
		s.Faults = []scenario.Fault{{Kind: scenario.Kill, Targets: []string{"n0"}, For: 10 * time.Millisecond}}
		r, err := Run(s, alike(4, 10, 200), Options{Limit: time.Hour, Users: 4, Settled: 4})
		if err != nil {
			t.Fatal(err)
		}
		return r.Longest.P50
	}
	if none, long := longest(0), longest(100*time.Millisecond); long < 1.1*none {
		t.Errorf("the longest gap is %.2f ms with a start of 100 ms, %.2f without", long, none)
	}
}
