package moepb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// maxRange bounds the experts one range may name, so that a damaged record
// cannot ask for the memory of billions.
const maxRange = 1 << 20

// ShardToProto writes a shard as ascending ranges.
func ShardToProto(s moe.Shard) *hachiv1.Shard {
	out := &hachiv1.Shard{}
	var last *hachiv1.ExpertRange
	for _, id := range s {
		if last != nil && int(last.Layer) == id.Layer && int(last.First+last.Count) == id.Expert {
			last.Count++
			continue
		}
		last = &hachiv1.ExpertRange{Layer: uint32(id.Layer), First: uint32(id.Expert), Count: 1}
		out.Ranges = append(out.Ranges, last)
	}
	return out
}

// ShardFromProto reads a shard. A nil message is an empty shard.
func ShardFromProto(p *hachiv1.Shard) (moe.Shard, error) {
	var ids []moe.ExpertID
	for _, r := range p.GetRanges() {
		if len(ids)+int(r.Count) > maxRange {
			return nil, fmt.Errorf("shard: more than %d experts", maxRange)
		}
		for i := range r.Count {
			ids = append(ids, moe.ExpertID{Layer: int(r.Layer), Expert: int(r.First + i)})
		}
	}
	return moe.NewShard(ids), nil
}

// TargetToProto writes a target, nodes in ascending order.
func TargetToProto(t moe.Target) *hachiv1.TargetRecord {
	out := &hachiv1.TargetRecord{Epoch: uint64(t.Epoch)}
	for node, shard := range t.Shards {
		out.Nodes = append(out.Nodes, &hachiv1.NodeShard{NodeId: string(node), Shard: ShardToProto(shard)})
	}
	slices.SortFunc(out.Nodes, func(a, b *hachiv1.NodeShard) int { return strings.Compare(a.NodeId, b.NodeId) })
	return out
}

// TargetFromProto reads a target.
func TargetFromProto(p *hachiv1.TargetRecord) (moe.Target, error) {
	t := moe.Target{Epoch: moe.Epoch(p.GetEpoch()), Shards: map[moe.NodeID]moe.Shard{}}
	if t.Epoch > moe.MaxEpoch {
		return moe.Target{}, fmt.Errorf("target: epoch %d, expected at most %d", t.Epoch, moe.MaxEpoch)
	}
	for _, n := range p.GetNodes() {
		shard, err := ShardFromProto(n.GetShard())
		if err != nil {
			return moe.Target{}, fmt.Errorf("target of node %s: %w", n.GetNodeId(), err)
		}
		t.Shards[moe.NodeID(n.GetNodeId())] = shard
	}
	return t, nil
}
