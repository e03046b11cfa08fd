package moepb

import (
	"fmt"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// PlacementToProto writes a placement; nil becomes nil.
func PlacementToProto(p *moe.Placement) *hachiv1.PlacementRecord {
	if p == nil {
		return nil
	}
	out := &hachiv1.PlacementRecord{
		Epoch: uint64(p.Epoch()), Fingerprint: string(p.Fingerprint()),
		ExpertsPerLayer: TopologyToProto(p.Topology()),
	}
	index := map[moe.NodeID]uint32{}
	for i, n := range p.Nodes() {
		index[n.Node] = uint32(i)
		out.Nodes = append(out.Nodes, &hachiv1.PlacementNode{NodeId: string(n.Node), Addr: n.Addr})
	}
	for _, id := range p.Topology().All() {
		list := &hachiv1.ReplicaList{}
		for _, r := range p.Replicas(id) {
			list.Nodes = append(list.Nodes, index[r.Node])
		}
		out.Replicas = append(out.Replicas, list)
	}
	return out
}

// PlacementFromProto reads a placement; nil becomes nil. A record that names
// an unknown node or leaves an expert without a replica is an error.
func PlacementFromProto(p *hachiv1.PlacementRecord) (*moe.Placement, error) {
	if p == nil {
		return nil, nil
	}
	topology, err := TopologyFromProto(p.ExpertsPerLayer)
	if err != nil {
		return nil, fmt.Errorf("placement: %w", err)
	}
	table := make([][]moe.Replica, len(p.Replicas))
	for i, list := range p.Replicas {
		for _, n := range list.GetNodes() {
			if int(n) >= len(p.Nodes) {
				return nil, fmt.Errorf("placement: replica names node %d of %d", n, len(p.Nodes))
			}
			node := p.Nodes[n]
			table[i] = append(table[i], moe.Replica{Node: moe.NodeID(node.GetNodeId()), Addr: node.GetAddr()})
		}
	}
	return moe.NewPlacement(moe.Epoch(p.Epoch), moe.Fingerprint(p.Fingerprint), topology, table)
}
