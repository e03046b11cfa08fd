package status

import (
	"cmp"
	"slices"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Describe joins the records with the leader's view of them. seen is nil when
// the leader does not answer; why is the reason.
func Describe(v View, seen *hachiv1.GetStatusResponse, why error) client.Status {
	r := client.Status{Nodes: []client.NodeStatus{}, Routers: []client.RouterStatus{}, Policy: seen.GetPolicy(), Replicas: seen.GetReplicas(), Degraded: seen.GetDegraded(),
		NodesNeeded: seen.GetNodesNeeded(), BusyNodes: seen.GetBusyNodes(), Damaged: v.Damaged}
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
		r.Routers = append(r.Routers, client.RouterStatus{
			Router: router.GetRouterId(), HTTP: router.GetHttpAddr(), GRPC: router.GetGrpcAddr(), Acked: router.GetAckedEpoch(),
			Load: router.GetLoad(), Draining: router.GetDraining(), Process: process(v.RouterHolders[router.GetRouterId()]),
		})
	}
	for _, g := range v.Gateways {
		r.Gateways = append(r.Gateways, client.GatewayStatus{
			Gateway: g.GetGatewayId(), HTTP: g.GetHttpAddr(), GRPC: g.GetGrpcAddr(), Process: process(v.GatewayHolders[g.GetGatewayId()]),
			PassedOver: passedOver(g, v.Routers),
		})
	}
	for _, n := range v.Nodes {
		r.Nodes = append(r.Nodes, describeNode(v, n, seen))
	}
	slices.SortFunc(r.Nodes, func(a, b client.NodeStatus) int { return planner.Natural(moe.NodeID(a.Node), moe.NodeID(b.Node)) })
	if v.Placement != nil {
		place(&r, v)
		measure(&r, v.Placement, seen)
	}
	return r
}

// passedOver are the routers that a gateway cannot serve, and why.
func passedOver(g *hachiv1.GatewayRecord, routers []*hachiv1.RouterRecord) (out []client.PassedOver) {
	for _, r := range routers {
		switch {
		case r.GetTextDigest() != g.GetTextDigest():
			out = append(out, client.PassedOver{Router: r.GetRouterId(), Why: "its tokenizer or chat template differs"})
		case r.GetFingerprint() != g.GetFingerprint():
			out = append(out, client.PassedOver{Router: r.GetRouterId(), Why: "it serves another model, or another format of it"})
		}
	}
	return out
}

func describeNode(v View, n *hachiv1.NodeRecord, seen *hachiv1.GetStatusResponse) client.NodeStatus {
	shard, _ := moepb.ShardFromProto(n.GetResident()) // a damaged one counts as empty
	out := client.NodeStatus{
		Node: n.GetNodeId(), State: "up", Addr: n.GetAddr(), Backend: n.GetBackend(), Resident: len(shard),
		Bytes: uint64(len(shard)) * n.GetExpertBytes(), Capacity: n.GetCapacityBytes(), Epoch: n.GetEpoch(), LoadError: n.GetLoadError(), Fetched: n.GetFetchedBytes(),
		Rows: n.GetRowsServed(), Zone: n.GetZone(), MemoryNode: n.GetMemoryNode(), ExpertSeconds: n.GetExpertSeconds(), RowSeconds: n.GetRowSeconds(),
		Process: process(v.NodeHolders[n.GetNodeId()]),
	}
	if n.GetDraining() {
		out.State = "draining"
	}
	for _, s := range seen.GetNodes() {
		if s.GetRecord().GetNodeId() != n.GetNodeId() {
			continue
		}
		out.Silent = s.GetSilent()
		if name := stateNames[s.GetState()]; name != "" {
			out.State = name
		}
	}
	return out
}

func process(h registry.Holder) client.Process {
	return client.Process{Host: h.Host, PID: h.PID, Version: h.Version}
}

var stateNames = map[hachiv1.NodeState]string{
	hachiv1.NodeState_NODE_STATE_LOADING: "loading", hachiv1.NodeState_NODE_STATE_SERVING: "serving",
	hachiv1.NodeState_NODE_STATE_DRAINING: "draining", hachiv1.NodeState_NODE_STATE_IDLE: "idle",
}

// place adds the placement and the rows sent in all.
func place(r *client.Status, v View) {
	p := v.Placement
	r.Epoch, r.Fingerprint = uint64(p.Epoch()), string(p.Fingerprint())
	r.Placement, r.Load = make([][][]string, p.Topology().Layers()), make([][]uint64, p.Topology().Layers())
	serving := map[string]int{}
	for i, id := range p.Topology().All() {
		var nodes []string
		for _, replica := range p.Replicas(id) {
			nodes = append(nodes, string(replica.Node))
			serving[string(replica.Node)]++
		}
		rows := uint64(0)
		for _, router := range v.Loads {
			if i < len(router.GetRowsSent()) {
				rows += router.GetRowsSent()[i]
			}
		}
		r.Placement[id.Layer] = append(r.Placement[id.Layer], nodes)
		r.Load[id.Layer] = append(r.Load[id.Layer], rows)
	}
	for i, n := range r.Nodes {
		r.Nodes[i].Serving = serving[n.Node]
	}
}

// busiest bounds the experts that are named.
const busiest = 5

// measure adds what the leader measured.
func measure(r *client.Status, p *moe.Placement, seen *hachiv1.GetStatusResponse) {
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
			if nodes := r.Placement[id.Layer][id.Expert]; slices.Contains(nodes, r.Nodes[j].Node) {
				r.Nodes[j].RowsPerSecond += rates[i] / float64(len(nodes))
			}
		}
	}
	for i, id := range p.Topology().All() {
		if mean := sums[id.Layer] / float64(p.Topology().In(id.Layer)); rates[i] > mean {
			r.Busiest = append(r.Busiest, client.ExpertStatus{
				Layer: id.Layer, Expert: id.Expert, RowsPerSecond: rates[i], TimesMean: rates[i] / mean, Nodes: r.Placement[id.Layer][id.Expert],
			})
		}
	}
	slices.SortStableFunc(r.Busiest, func(a, b client.ExpertStatus) int { return cmp.Compare(b.TimesMean, a.TimesMean) })
	r.Busiest = r.Busiest[:min(len(r.Busiest), busiest)]
}
