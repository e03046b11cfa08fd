package sim

import (
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/sim/machine"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/internal/sim/trace"
)

// alike are requests of the same lengths.
func alike(n, prompt, answer int) []trace.Request {
	out := make([]trace.Request, n)
	for i := range out {
		out[i] = trace.Request{Prompt: prompt, Answer: answer}
	}
	return out
}

func TestWarmRequestsDoNotCount(t *testing.T) {
	r, err := Run(cluster(3, 8, 2, 1), alike(6, 10, 5), Options{Limit: time.Hour, Users: 3, Warm: alike(4, 10, 7)})
	if err != nil {
		t.Fatal(err)
	}
	tokens := uint64(0)
	for _, n := range r.PerSecond {
		tokens += n
	}
	if r.Requests.All != 6 || r.Requests.Completed != 6 || tokens != 30 || r.Seconds <= 0 {
		t.Errorf("%+v, %d tokens", r.Requests, tokens)
	}
}

func TestFaultsWaitForUsersThatHaveBegun(t *testing.T) {
	s := cluster(3, 8, 3, 1)
	s.Faults = []scenario.Fault{{At: 0, Kind: scenario.Kill, Targets: []string{"n0"}, For: time.Second}}
	r, err := Run(s, alike(4, 10, 50), Options{Limit: time.Hour, Users: 4, Settled: 4})
	if err != nil {
		t.Fatal(err)
	}
	if r.Cluster.Faults != 1 || r.Requests.Completed != 4 || r.Longest.P50 <= 0 || r.Longest.Max > r.Gap.Max {
		t.Errorf("%d faults, %+v, longest gaps %+v, gaps %+v", r.Cluster.Faults, r.Requests, r.Longest, r.Gap)
	}
	if r, err = Run(s, alike(4, 10, 3), Options{Limit: time.Hour, Users: 4, Settled: 4}); err != nil || r.Cluster.Faults != 0 {
		t.Errorf("%d faults before any user had begun: %v", r.Cluster.Faults, err)
	}
}

// host puts every process on one machine.
func host(s *scenario.Scenario) *machine.Machine {
	s.Routers.Host = "here"
	for i := range s.Nodes {
		s.Nodes[i].Host, s.Nodes[i].Threads = "here", 1
	}
	return s.Routers.Machine
}

// TestProcessesShareTheMemoryOfAHost: two nodes of one thread read together what one
// could read by itself, if the memory brings no more.
func TestProcessesShareTheMemoryOfAHost(t *testing.T) {
	took := func(core float64) float64 {
		s := cluster(3, 8, 2, 1)
		m := host(s)
		m.Bandwidth, m.CoreBandwidth, m.Launch = 1e8, core, 0
		return run(t, s, alike(4, 10, 20)).Seconds
	}
	if half, whole := took(0.5e8), took(1e8); whole > half || whole < half/1.7 {
		t.Errorf("nodes that read at half of the memory's rate take %.3f s, at all of it %.3f", half, whole)
	}
}

func TestOthersTakeTheCoresOfAHostThatIsBusy(t *testing.T) {
	longest := func(o machine.Others) float64 {
		s := cluster(3, 8, 2, 1)
		host(s).Others = o
		return run(t, s, alike(20, 10, 60)).Gap.Max
	}
	never := longest(machine.Others{})
	always := longest(machine.Others{Every: 200 * time.Millisecond, For: 50 * time.Millisecond, Idle: 1})
	if idle := longest(machine.Others{Every: 200 * time.Millisecond, For: 50 * time.Millisecond}); idle != never || always < never+25 {
		t.Errorf("the longest gap is %.1f ms, with others %.1f ms, with others that want idle cores only %.1f ms", never, always, idle)
	}
}
