package status

import (
	"cmp"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/journal"
)

// State is a cluster as one process sees it at one time.
type State struct {
	At time.Time
	// Known is when the records were read last; zero is never.
	Known   time.Time
	Cluster client.Status
	// ExpertBytes is what one expert takes on a node; 0 is not known.
	ExpertBytes uint64
	// Processes are the routers and gateways that answered, by role and name.
	Processes []Process
	// Clocks are those of the processes that answered, by name.
	Clocks map[string]Clock
	// Silent are those that did not answer, with the reason.
	Silent map[string]string
	// Fault is why the records cannot be read; then Cluster is what was read last.
	Fault string
}

// Roles of a Process.
const (
	RouterRole  = "router"
	GatewayRole = "gateway"
)

// Process is what a router or a gateway says of itself.
type Process struct {
	ID, Role, Version string
	Started           time.Time
	Load, Queue       int     // requests that run, and that wait
	KVUsage           float64 // of a router: share of the KV cache in use, 0 to 1
	Hops              []Hop   // of a router, by node
	// Weights and KV are the memory of a router: of the weights that it maps, which
	// routers on one machine share, and of its KV cache.
	Weights, KV uint64
	Clock       Clock // of another process than this one
	journal.Snapshot
}

// Hop is what a router counts of its calls to one expert node since its start.
type Hop struct {
	Node       string
	Suspected  bool   // now
	Suspicions uint64 // times
	Failovers  uint64 // calls whose rows were sent to another replica
	HedgesWon  uint64 // that this node answered before the original
	Bytes      uint64 // of rows, in both directions
	Calls      journal.Latencies
}

// correct gives the requests of a process the times of this machine's clock, where the
// process's is wrong by more than a question could measure wrongly. Started stays: it
// tells runs apart.
func (p *Process) correct() {
	if p.Clock.Offset.Abs() <= p.Clock.RoundTrip {
		return
	}
	by := -p.Clock.Offset
	for _, all := range [][]journal.Request{p.Running, p.Ended} {
		for i := range all {
			all[i].Shift(by)
		}
	}
}

// isRun reports whether two descriptions are of one run of a process.
func (p Process) isRun(q Process) bool {
	return p.ID == q.ID && p.Role == q.Role && p.Started.Equal(q.Started)
}

// Process finds a process by role and name.
func (s State) Process(role, id string) (Process, bool) {
	i := slices.IndexFunc(s.Processes, func(p Process) bool { return p.Role == role && p.ID == id })
	if i < 0 {
		return Process{}, false
	}
	return s.Processes[i], true
}

// Edge are the processes that clients call: the gateways, or the routers of a cluster
// without gateways.
func (s State) Edge() []Process {
	role := RouterRole
	if len(s.Cluster.Gateways) > 0 {
		role = GatewayRole
	}
	var out []Process
	for _, p := range s.Processes {
		if p.Role == role {
			out = append(out, p)
		}
	}
	return out
}

// SuspectedBy are the routers that call a node last.
func (s State) SuspectedBy(node string) (routers []string) {
	for _, p := range s.Processes {
		for _, h := range p.Hops {
			if h.Node == node && h.Suspected {
				routers = append(routers, p.ID)
			}
		}
	}
	return routers
}

// Answering are the nodes that answer, by name: those that are registered and that no
// router suspects.
func (s State) Answering() map[string]bool {
	out := map[string]bool{}
	for _, n := range s.Cluster.Nodes {
		out[n.Node] = true
	}
	for _, p := range s.Processes {
		for _, h := range p.Hops {
			if h.Suspected {
				delete(out, h.Node)
			}
		}
	}
	return out
}

// Replicas counts, per layer and expert, the nodes that serve the expert and answer.
func (s State) Replicas() [][]int {
	answering := s.Answering()
	out := make([][]int, len(s.Cluster.Placement))
	for layer, experts := range s.Cluster.Placement {
		out[layer] = make([]int, len(experts))
		for expert, nodes := range experts {
			for _, node := range nodes {
				if answering[node] {
					out[layer][expert]++
				}
			}
		}
	}
	return out
}

// Verdict says whether a cluster can serve.
type Verdict struct {
	// Serves is false if any expert has no replica that answers, if no router takes
	// requests, or before the first placement.
	Serves bool
	Why    string                // it does not
	Zero   []client.ExpertStatus // the first experts without a replica that answers
	// Missing and One are how many experts have no, and one, replica that answers.
	Missing, One int
	Total        int // experts
}

// maxNamed bounds the experts without a replica that are named.
const maxNamed = 20

// Verdict judges a state.
func (s State) Verdict() (v Verdict) {
	for layer, experts := range s.Replicas() {
		for expert, n := range experts {
			v.Total++
			switch {
			case n == 1:
				v.One++
			case n == 0 && v.Missing < maxNamed:
				v.Zero = append(v.Zero, client.ExpertStatus{Layer: layer, Expert: expert, Nodes: s.Cluster.Placement[layer][expert]})
				fallthrough
			case n == 0:
				v.Missing++
			}
		}
	}
	takes := func(r client.RouterStatus) bool { return !r.Draining && r.Acked > 0 }
	switch {
	case s.Fault != "":
		v.Why = "the records cannot be read: " + s.Fault
	case s.Cluster.Epoch == 0:
		v.Why = "no placement is published yet"
	case v.Missing > 0:
		v.Why = plural(v.Missing, "expert has", "experts have") + " no replica that answers"
	case !slices.ContainsFunc(s.Cluster.Routers, takes):
		v.Why = "no router takes requests"
	default:
		v.Serves = true
	}
	return v
}

// byRole sorts processes: gateways, then routers, each by name.
func byRole(a, b Process) int { return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.ID, b.ID)) }
