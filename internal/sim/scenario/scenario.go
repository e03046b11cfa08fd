package scenario

import (
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/sim/machine"
	"github.com/hachi-serve/hachi/moe"
)

// Scenario is a cluster to be simulated.
type Scenario struct {
	Seed    uint64
	Shape   machine.Shape
	Network machine.Network
	Routers Routers
	Nodes   []Node
	Control Control
	Routing Routing
	Faults  []Fault
	// Of the coordinator.
	Policy              planner.Policy
	Replicas, Redundant int
	// Prices are those of an hour of machines, USD, where the file says them.
	Prices map[*machine.Machine]float64
}

// HourPrice is what the machines of the cluster cost in an hour, USD. A host counts once.
// A machine without a price costs nothing.
func (s *Scenario) HourPrice() float64 {
	total, hosts := 0.0, map[string]bool{}
	add := func(p Process) {
		if p.Host == "" || !hosts[p.Host] {
			total += s.Prices[p.Machine]
		}
		hosts[p.Host] = true
	}
	for range s.Routers.Count {
		add(s.Routers.Process)
	}
	for _, n := range s.Nodes {
		add(n.Process)
	}
	return total
}

// Process is where a process computes.
type Process struct {
	Machine *machine.Machine
	Threads int // 0 is every core
	// Host names the machine that several processes share; "" is one of its own.
	Host  string
	Quota Quota
}

// Quota is the CPU time that a process on a shared machine has at most in each period: that
// of a number of cores. 0 is no limit.
type Quota struct {
	Cores  float64       `yaml:"cores"`
	Period time.Duration `yaml:"period"`
}

// Routers are all alike.
type Routers struct {
	Process
	Count          int
	Gateway        bool // in front of them; else clients take routers in turn
	Blocks         int  // of the KV cache
	Limits         scheduler.Limits
	PrefixCache    bool
	MicroBatches   int // 0 measures which number is fastest
	DisableHedging bool
	MaxContext     int     // tokens
	TokenScale     float64 // of the trace's lengths
}

// Node is an expert node.
type Node struct {
	Process
	ID       moe.NodeID
	Capacity int64 // bytes
	Zone     string
	// Assigned is what the coordinator finds assigned to the node when it begins; no file
	// says it.
	Assigned moe.Shard
}

// Control is how fast processes hear of each other.
type Control struct{ LeaseTTL, Tick, Watch, Gossip, Election time.Duration }

// RoutingKind is how tokens choose experts.
type RoutingKind string

const (
	Uniform     RoutingKind = "uniform"
	Zipf        RoutingKind = "zipf"        // some experts are chosen more often
	Adversarial RoutingKind = "adversarial" // every token chooses the same
	Counts      RoutingKind = "counts"      // as often as was counted
)

// Routing is which experts tokens choose.
type Routing struct {
	Kind   RoutingKind
	Skew   float64
	Counts [][]float64 // of Counts: rows per expert, by layer
}

// FaultKind is what goes wrong.
type FaultKind string

const (
	Kill      FaultKind = "kill"
	Slow      FaultKind = "slow"
	Partition FaultKind = "partition"
	Join      FaultKind = "join"
)

// Coordinator is the target of a fault of the coordinator.
const Coordinator = "coordinator"

// Fault is something that happens at a time.
type Fault struct {
	At, For time.Duration // For of 0 is for good
	Kind    FaultKind
	Targets []string // names of processes
	Factor  float64  // of Slow: how much longer everything takes
	Nodes   []Node   // of Join
}
