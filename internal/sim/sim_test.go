package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/sim/machine"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/internal/sim/trace"
	"github.com/hachi-serve/hachi/moe"
)

// cluster is a scenario of a small model on a few machines, whose experts have room.
func cluster(layers, experts, nodes, routers int) *scenario.Scenario {
	c := model.Config{
		Layers: layers, Hidden: 64, FFN: 128, Heads: 8, KVHeads: 4, HeadDim: 8, Vocab: 1000, Experts: experts, TopK: min(2, experts), MaxContext: 4096, DType: tensor.BF16,
	}
	m := &machine.Machine{Cores: 2, Units: 1, Memory: 1 << 30, Bandwidth: 10e9, CoreBandwidth: 10e9, Fallback: 1e11, MemoryShare: 1, ArithmeticShare: 1, Launch: 200 * time.Microsecond, Load: 1e9}
	at := scenario.Process{Machine: m}
	s := &scenario.Scenario{
		Seed: 1, Shape: machine.NewShape(c, tensor.Invalid, model.DefaultNumerics(tensor.BF16)),
		Network: machine.Network{P50: 50 * time.Microsecond, P99: 200 * time.Microsecond, Bandwidth: 1e9, Message: 5 * time.Microsecond},
		Routers: scenario.Routers{
			Process: at, Count: routers, Gateway: routers > 1, Blocks: 512, PrefixCache: true, MaxContext: 4096, TokenScale: 1,
			Limits: scheduler.Limits{StepTokens: 128, MaxSequences: 16, MaxWaiting: 64, MaxWaitingTokens: 1 << 20, MaxStepSlowdown: 1.7},
		},
		Control: scenario.Control{LeaseTTL: 10 * time.Second, Tick: time.Second, Watch: 10 * time.Millisecond, Gossip: time.Second, Election: 5 * time.Second},
		Routing: scenario.Routing{Kind: scenario.Uniform}, Policy: planner.Balanced, Replicas: min(2, nodes),
	}
	for i := range nodes {
		s.Nodes = append(s.Nodes, scenario.Node{Process: at, ID: moe.NodeID(fmt.Sprint("n", i)), Capacity: 1 << 30})
	}
	return s
}

// load is some requests of a few tokens each.
func load(seed uint64, n int, every time.Duration) []trace.Request {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]trace.Request, n)
	for i := range out {
		out[i] = trace.Request{At: time.Duration(i) * every, Prompt: 1 + r.IntN(200), Answer: 1 + r.IntN(40)}
		if r.IntN(2) == 0 {
			out[i].Blocks = []uint64{uint64(r.IntN(3))}
		}
	}
	return out
}

func run(t *testing.T, s *scenario.Scenario, requests []trace.Request) Report {
	t.Helper()
	r, err := Run(s, requests, Options{Limit: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryRequestIsAnswered(t *testing.T) {
	requests := load(1, 40, 20*time.Millisecond)
	r := run(t, cluster(4, 8, 3, 1), requests)
	want := 0
	for _, q := range requests {
		want += q.Answer
	}
	got := 0
	for _, n := range r.PerSecond {
		got += int(n)
	}
	if r.Requests.Completed != 40 || r.Requests.Unfinished != 0 || got != want {
		t.Errorf("%+v, %d tokens, want %d", r.Requests, got, want)
	}
	s := r.Steps
	if parts := s.Attention + s.Wire + s.Experts + s.Wait + s.Head; parts < 0.999*s.Total || parts > 1.001*s.Total || s.Wire <= 0 || s.Experts <= 0 {
		t.Errorf("the parts of a step are %v ms, the step %v: %+v", parts, s.Total, s)
	}
	if r.Experts.Calls == 0 || r.Experts.PerLayer < 1 || r.Experts.PerLayer > 3 {
		t.Errorf("%+v", r.Experts)
	}
	for _, n := range r.Nodes {
		if n.Experts == 0 || n.Batches == 0 || n.Distinct < 1 || n.Rows < 1 || n.Busy <= 0 || n.Busy > 1 || n.Memory > n.Peak {
			t.Errorf("%+v", n)
		}
	}
}

// faulty is a scenario with a fault of each kind.
func faulty() *scenario.Scenario {
	s := cluster(3, 8, 4, 2)
	s.Routers.Machine.Launch = time.Millisecond // answers of a second, which faults befall
	join := s.Nodes[0]
	join.ID = "late"
	s.Faults = []scenario.Fault{
		{At: time.Second, Kind: scenario.Kill, Targets: []string{"n1"}, For: 20 * time.Second},
		{At: 2 * time.Second, Kind: scenario.Slow, Targets: []string{"n2"}, Factor: 50, For: 5 * time.Second},
		{At: 3 * time.Second, Kind: scenario.Kill, Targets: []string{scenario.Coordinator}},
		{At: 4 * time.Second, Kind: scenario.Kill, Targets: []string{"router-0"}, For: 10 * time.Second},
		{At: 25 * time.Second, Kind: scenario.Join, Nodes: []scenario.Node{join}},
		{At: 30 * time.Second, Kind: scenario.Partition, Targets: []string{"n3"}, For: 20 * time.Second},
	}
	return s
}

// TestTheSameSeedPrintsTheSameBytes with any number of workers.
func TestTheSameSeedPrintsTheSameBytes(t *testing.T) {
	print := func(seed uint64, workers int) string {
		s := faulty()
		s.Seed = seed
		r, err := Run(s, load(2, 300, 200*time.Millisecond), Options{Limit: time.Hour, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		r.WriteText(&out)
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return out.String() + string(raw)
	}
	first := print(1, 0)
	for workers := range 4 {
		if again := print(1, workers); again != first {
			t.Fatalf("a run with %d workers differs:\n%s\n%s", workers, first, again)
		}
	}
	if print(2, 0) == first {
		t.Error("another seed makes the same run")
	}
}

func TestFaultsLoseNoRequest(t *testing.T) {
	r := run(t, faulty(), load(2, 300, 200*time.Millisecond))
	if r.Requests.Completed != 300 || r.Requests.Resumed == 0 {
		t.Errorf("%+v", r.Requests)
	}
	if r.Experts.Failovers == 0 || r.Experts.Suspected == 0 || r.Cluster.Placements == 0 || r.Cluster.Faults != 6 {
		t.Errorf("%+v, %+v", r.Experts, r.Cluster)
	}
	if late := r.Nodes[4]; late.Name != "late" || late.Experts == 0 {
		t.Errorf("the node that joined: %+v", late)
	}
}

// TestADeadRouterLosesItsRequestsWithoutAGateway: they count as lost, and not as
// unfinished.
func TestADeadRouterLosesItsRequestsWithoutAGateway(t *testing.T) {
	s := cluster(2, 4, 2, 1)
	s.Faults = []scenario.Fault{{At: 500 * time.Millisecond, Kind: scenario.Kill, Targets: []string{"router-0"}, For: time.Second}}
	r := run(t, s, load(3, 100, 10*time.Millisecond))
	if q := r.Requests; q.Lost == 0 || q.Completed == 0 || q.Lost+q.Completed+q.Rejected != 100 || q.Unfinished != 0 {
		t.Errorf("%+v", q)
	}
}

func TestFullQueuesReject(t *testing.T) {
	s := cluster(2, 4, 2, 1)
	s.Routers.Limits.MaxSequences, s.Routers.Limits.MaxWaiting = 1, 1
	requests := load(4, 50, 0)
	r := run(t, s, requests)
	if q := r.Requests; q.Rejected != 48 || q.Completed != 2 {
		t.Errorf("%+v, want 2 completed of 50 at once", q)
	}
}

func TestRequestsThatDoNotFit(t *testing.T) {
	s := cluster(2, 4, 2, 1)
	s.Routers.MaxContext = 100
	r := run(t, s, []trace.Request{{Prompt: 100, Answer: 1}, {Prompt: 90, Answer: 50}, {Prompt: 99, Answer: 1}})
	if q := r.Requests; q.TooLong != 1 || q.Completed != 2 || q.Shortened != 1 {
		t.Errorf("%+v", q)
	}
}

// TestAnExpertWithoutAReplicaPausesAnswers: until its node is there again.
func TestAnExpertWithoutAReplicaPausesAnswers(t *testing.T) {
	s := cluster(2, 4, 1, 1)
	s.Faults = []scenario.Fault{{At: 50 * time.Millisecond, Kind: scenario.Kill, Targets: []string{"n0"}, For: 30 * time.Second}}
	r := run(t, s, load(5, 20, 10*time.Millisecond))
	if r.Requests.Completed != 20 || r.Steps.Abandoned == 0 || r.Gap.Max < 30_000 {
		t.Errorf("%+v, %+v, longest gap %v ms", r.Requests, r.Steps, r.Gap.Max)
	}
}

// TestPrefixesAreReused: prompts that the trace says are alike share blocks.
func TestPrefixesAreReused(t *testing.T) {
	var requests []trace.Request
	for i := range 20 {
		requests = append(requests, trace.Request{At: time.Duration(i) * time.Second, Prompt: 1000, Answer: 2, Blocks: []uint64{1, uint64(10 + i)}})
	}
	r := run(t, cluster(2, 4, 2, 1), requests)
	if hits := r.Routers[0].PrefixHits; hits < 0.45 || hits > 0.52 { // 19 of 20 times 512 of 1000
		t.Errorf("prefix hits %v", hits)
	}
}

// TestAClusterWithoutRoomDoesNotForm and says why.
func TestAClusterWithoutRoomDoesNotForm(t *testing.T) {
	s := cluster(2, 4, 1, 1)
	s.Nodes[0].Capacity = s.Shape.ExpertBytes
	if _, err := Run(s, load(1, 1, 0), Options{}); err == nil {
		t.Error("8 experts fit a node with room for one")
	} else if got := err.Error(); !bytes.Contains([]byte(got), []byte("capacity is too small")) {
		t.Error(got)
	}
}
