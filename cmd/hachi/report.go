package main

import (
	"cmp"
	"slices"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// report is what `hachi status` tells, and its JSON.
type report struct {
	Leader   string   `json:"leader,omitempty"` // empty when nobody leads
	Standbys []string `json:"standbys,omitempty"`
	// NoLeader says why the leader's view is missing from this report.
	NoLeader string `json:"no_leader,omitempty"`
	Policy   string `json:"policy,omitempty"`
	Replicas uint32 `json:"replicas,omitempty"`
	// Degraded says why the placement is not what the policy asks for.
	Degraded    string         `json:"degraded,omitempty"`
	Epoch       uint64         `json:"epoch"` // 0 until a placement is published
	Fingerprint string         `json:"fingerprint,omitempty"`
	Nodes       []nodeReport   `json:"nodes"`
	Routers     []routerReport `json:"routers"`
	// Placement lists, per layer and expert, the nodes that serve it.
	Placement [][][]moe.NodeID `json:"placement,omitempty"`
	// Load counts rows sent per layer and expert since the routers started;
	// RowsPerSecond is what the leader measured over the last WindowSeconds.
	Load          [][]uint64  `json:"load,omitempty"`
	RowsPerSecond [][]float64 `json:"rows_per_second,omitempty"`
	WindowSeconds float64     `json:"window_seconds,omitempty"`
	// Busiest are the experts with the most rows against the mean of their
	// layer.
	Busiest []expertReport `json:"busiest,omitempty"`
}

type nodeReport struct {
	Node          string  `json:"node"`
	State         string  `json:"state"`
	Addr          string  `json:"addr"`
	Backend       string  `json:"backend"`
	Serving       int     `json:"serving_experts"`
	Resident      int     `json:"resident_experts"`
	Bytes         uint64  `json:"resident_bytes"`
	Capacity      uint64  `json:"capacity_bytes,omitempty"` // 0 is no limit
	Epoch         uint64  `json:"epoch"`
	Rows          uint64  `json:"rows_served"`
	RowsPerSecond float64 `json:"rows_per_second"`
	LoadError     string  `json:"load_error,omitempty"`
}

type routerReport struct {
	Router string `json:"router"`
	HTTP   string `json:"http"`
	GRPC   string `json:"grpc"`
	Acked  uint64 `json:"acked_epoch"`
}

type expertReport struct {
	Layer         int          `json:"layer"`
	Expert        int          `json:"expert"`
	RowsPerSecond float64      `json:"rows_per_second"`
	TimesMean     float64      `json:"times_mean"`
	Nodes         []moe.NodeID `json:"nodes"`
}

// describe joins what etcd holds with what the leader says; seen is nil when it
// says nothing, and why tells the reason.
func describe(v status.View, seen *hachiv1.GetStatusResponse, why error) report {
	r := report{Nodes: []nodeReport{}, Routers: []routerReport{}, Policy: seen.GetPolicy(), Replicas: seen.GetReplicas(), Degraded: seen.GetDegraded()}
	for i, c := range v.Coordinators {
		if i == 0 {
			r.Leader = c.GetCoordinatorId()
		} else {
			r.Standbys = append(r.Standbys, c.GetCoordinatorId())
		}
	}
	if why != nil {
		r.NoLeader = why.Error()
	}
	for _, router := range v.Routers {
		r.Routers = append(r.Routers, routerReport{router.GetRouterId(), router.GetHttpAddr(), router.GetGrpcAddr(), router.GetAckedEpoch()})
	}
	for _, n := range v.Nodes {
		r.Nodes = append(r.Nodes, describeNode(v, n, seen))
	}
	slices.SortFunc(r.Nodes, func(a, b nodeReport) int { return planner.Natural(moe.NodeID(a.Node), moe.NodeID(b.Node)) })
	if v.Placement != nil {
		r.place(v)
		r.measure(v.Placement, seen)
	}
	return r
}

func describeNode(v status.View, n *hachiv1.NodeRecord, seen *hachiv1.GetStatusResponse) nodeReport {
	shard, _ := moepb.ShardFromProto(n.GetResident()) // a damaged one counts as empty
	out := nodeReport{
		Node: n.GetNodeId(), State: "up", Addr: n.GetAddr(), Backend: n.GetBackend(), Resident: len(shard),
		Bytes: uint64(len(shard)) * n.GetExpertBytes(), Capacity: n.GetCapacityBytes(), Epoch: n.GetEpoch(), LoadError: n.GetLoadError(),
	}
	if n.GetDraining() {
		out.State = "draining"
	}
	for _, s := range seen.GetNodes() {
		if s.GetRecord().GetNodeId() == n.GetNodeId() && stateNames[s.GetState()] != "" {
			out.State = stateNames[s.GetState()]
		}
	}
	for _, rows := range n.GetRowsServed() {
		out.Rows += rows
	}
	if v.Placement != nil {
		for _, id := range v.Placement.Topology().All() {
			if slices.ContainsFunc(v.Placement.Replicas(id), func(r moe.Replica) bool { return r.Node == moe.NodeID(n.GetNodeId()) }) {
				out.Serving++
			}
		}
	}
	return out
}

var stateNames = map[hachiv1.NodeState]string{
	hachiv1.NodeState_NODE_STATE_LOADING: "loading", hachiv1.NodeState_NODE_STATE_SERVING: "serving",
	hachiv1.NodeState_NODE_STATE_DRAINING: "draining", hachiv1.NodeState_NODE_STATE_IDLE: "idle",
}

// place adds the placement and the rows sent in all.
func (r *report) place(v status.View) {
	p := v.Placement
	r.Epoch, r.Fingerprint = uint64(p.Epoch()), string(p.Fingerprint())
	r.Placement, r.Load = make([][][]moe.NodeID, p.Topology().Layers()), make([][]uint64, p.Topology().Layers())
	for i, id := range p.Topology().All() {
		var nodes []moe.NodeID
		for _, replica := range p.Replicas(id) {
			nodes = append(nodes, replica.Node)
		}
		rows := uint64(0)
		for _, router := range v.Routers {
			if i < len(router.GetRowsSent()) {
				rows += router.GetRowsSent()[i]
			}
		}
		r.Placement[id.Layer] = append(r.Placement[id.Layer], nodes)
		r.Load[id.Layer] = append(r.Load[id.Layer], rows)
	}
}

// busiest is how many experts are named.
const busiest = 5

// measure adds what the leader measured.
func (r *report) measure(p *moe.Placement, seen *hachiv1.GetStatusResponse) {
	rates := seen.GetRowsPerSecond()
	if len(rates) != p.Topology().Experts() {
		return
	}
	r.WindowSeconds, r.RowsPerSecond = seen.GetWindowSeconds(), make([][]float64, p.Topology().Layers())
	sums := make([]float64, p.Topology().Layers())
	for i, id := range p.Topology().All() {
		r.RowsPerSecond[id.Layer] = append(r.RowsPerSecond[id.Layer], rates[i])
		sums[id.Layer] += rates[i]
		for j := range r.Nodes {
			if nodes := r.Placement[id.Layer][id.Expert]; slices.Contains(nodes, moe.NodeID(r.Nodes[j].Node)) {
				r.Nodes[j].RowsPerSecond += rates[i] / float64(len(nodes))
			}
		}
	}
	for i, id := range p.Topology().All() {
		if mean := sums[id.Layer] / float64(p.Topology().In(id.Layer)); rates[i] > mean {
			r.Busiest = append(r.Busiest, expertReport{id.Layer, id.Expert, rates[i], rates[i] / mean, r.Placement[id.Layer][id.Expert]})
		}
	}
	slices.SortStableFunc(r.Busiest, func(a, b expertReport) int { return cmp.Compare(b.TimesMean, a.TimesMean) })
	r.Busiest = r.Busiest[:min(len(r.Busiest), busiest)]
}
