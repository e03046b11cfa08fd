package sim

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/moe"
)

var (
	clusters = flag.Int("clusters", 1000, "random clusters of TestRandomClustersKeepTheInvariants")
	firstOne = flag.Uint64("first", 1, "seed of the first; the others follow")
)

// random is a small cluster with faults that all heal, so that every request must end.
func random(seed uint64) (*scenario.Scenario, int) {
	r := rand.New(rand.NewPCG(seed, 9))
	s := cluster(1+r.IntN(3), 2+r.IntN(7), 1+r.IntN(5), 1+r.IntN(3))
	s.Seed = seed
	s.Policy = []planner.Policy{planner.Column, planner.Balanced, planner.EPLB}[r.IntN(3)]
	s.Replicas, s.Redundant = 1+r.IntN(min(3, len(s.Nodes))), r.IntN(3)
	s.Routing = scenario.Routing{Kind: []scenario.RoutingKind{scenario.Uniform, scenario.Zipf, scenario.Adversarial}[r.IntN(3)], Skew: 2 * r.Float64()}
	s.Routers.MicroBatches, s.Routers.DisableHedging, s.Routers.PrefixCache = r.IntN(5), r.IntN(4) == 0, r.IntN(4) > 0
	s.Routers.Gateway = s.Routers.Count > 1 || r.IntN(2) == 0
	s.Routers.Machine.Launch = time.Duration(100+r.IntN(900)) * time.Microsecond
	s.Routers.Blocks = 16 + r.IntN(50) // preemptions
	s.Routers.MaxContext = min(s.Routers.MaxContext, 16*s.Routers.Blocks)
	if r.IntN(3) == 0 {
		s.Network.Buffer, s.Network.Timeout = 4096, 5*time.Millisecond
	}
	if r.IntN(3) == 0 { // all on one machine
		s.Routers.Host = "box"
		for i := range s.Nodes {
			s.Nodes[i].Host = "box"
		}
	}
	if r.IntN(2) == 0 { // no room for a copy of each on every node
		room := int64(s.Shape.Config.Layers*s.Shape.Config.Experts*s.Replicas+len(s.Nodes)-1) / int64(len(s.Nodes))
		for i := range s.Nodes {
			s.Nodes[i].Capacity = (room + int64(r.IntN(4))) * s.Shape.ExpertBytes
		}
	}
	for range r.IntN(4) {
		s.Faults = append(s.Faults, randomFault(r, s))
	}
	return s, 5 + r.IntN(25)
}

func randomFault(r *rand.Rand, s *scenario.Scenario) scenario.Fault {
	f := scenario.Fault{At: time.Duration(r.IntN(8000)) * time.Millisecond, For: time.Duration(1+r.IntN(30000)) * time.Millisecond, Factor: 1 + 100*r.Float64()}
	node := string(s.Nodes[r.IntN(len(s.Nodes))].ID)
	f.Kind, f.Targets = []scenario.FaultKind{scenario.Kill, scenario.Slow, scenario.Partition, scenario.Join}[r.IntN(4)], []string{node}
	switch {
	case f.Kind == scenario.Join:
		n := s.Nodes[0]
		n.ID = moe.NodeID(fmt.Sprint("late-", r.IntN(1<<30)))
		f.Targets, f.Nodes = nil, []scenario.Node{n}
	case f.Kind == scenario.Kill && r.IntN(3) == 0:
		f.Targets[0] = scenario.RouterName(r.IntN(s.Routers.Count))
	case f.Kind == scenario.Kill && r.IntN(4) == 0:
		f.Targets[0] = scenario.Coordinator
	}
	return f
}

// TestRandomClustersKeepTheInvariants: Run checks them. Faults heal, so that each
// request is answered, refused, or lost with its router.
func TestRandomClustersKeepTheInvariants(t *testing.T) {
	n := *clusters
	if testing.Short() {
		n = min(n, 100)
	}
	seen := map[string]int{}
	for seed := *firstOne; seed < *firstOne+uint64(n); seed++ {
		s, requests := random(seed)
		r, err := Run(s, load(seed, requests, 300*time.Millisecond), Options{Limit: 30 * time.Minute, Workers: int(seed % 3)})
		if err != nil {
			t.Fatalf("seed %d, %s: %v", seed, describe(s), err)
		}
		if r.Requests.Unfinished > 0 {
			t.Fatalf("seed %d, %s: %+v, %+v", seed, describe(s), r.Requests, r.Cluster)
		}
		for what, happened := range map[string]bool{
			"resumed": r.Requests.Resumed > 0, "abandoned": r.Steps.Abandoned > 0, "failover": r.Experts.Failovers > 0, "hedge": r.Experts.Hedges > 0,
			"preempted": r.Routers[0].Preemptions > 0, "placement": r.Cluster.Placements > 0, "dropped": r.Experts.Dropped > 0, "lost": r.Requests.Lost > 0,
			"split": r.Steps.MicroBatches[1] > 0,
		} {
			if happened {
				seen[what]++
			}
		}
	}
	t.Logf("of %d clusters: %v", n, seen)
	if n >= 1000 && len(seen) < 9 {
		t.Errorf("only %v happened in %d clusters", seen, n)
	}
}

func describe(s *scenario.Scenario) string {
	return fmt.Sprintf("%v experts, %d nodes, %d routers, %s, %d replicas, faults %+v", s.Shape.Config.Topology(), len(s.Nodes), s.Routers.Count, s.Policy, s.Replicas, s.Faults)
}

// TestWorkersChangeNothing of random clusters.
func TestWorkersChangeNothing(t *testing.T) {
	for seed := *firstOne; seed < *firstOne+100; seed++ {
		var first []byte
		for _, workers := range []int{1, 2, 3} {
			s, requests := random(seed)
			r, err := Run(s, load(seed, requests, 300*time.Millisecond), Options{Limit: 30 * time.Minute, Workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = raw
			} else if !bytes.Equal(raw, first) {
				t.Fatalf("seed %d, %s, %d workers:\n%s\n%s", seed, describe(s), workers, first, raw)
			}
		}
	}
}
