package expertnode

import (
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// view is what a node knows of the cluster: the newest of each, or nothing.
type view struct {
	target      moe.Target
	targetKnown bool
	placement   *moe.Placement
	routers     []*hachiv1.RouterRecord
	routersSeen bool
}

// toLoad lists what the target wants and the node does not hold.
func (v view) toLoad(node moe.NodeID, resident moe.Shard) moe.Shard {
	return v.target.Shards[node].Minus(resident)
}

// toUnload lists what may go: neither wanted nor placed here, at an epoch that
// every live router has acked. Without a target, a placement and the routers'
// records nothing may.
func (v view) toUnload(node moe.NodeID, resident moe.Shard) moe.Shard {
	if !v.targetKnown || v.placement == nil || !v.routersSeen {
		return nil
	}
	if !v.acked() {
		return nil
	}
	var out moe.Shard
	for _, id := range resident.Minus(v.target.Shards[node]) {
		if !v.places(node, id) {
			out = append(out, id)
		}
	}
	return out
}

// acked reports that no live router has a call in flight under an older
// placement.
func (v view) acked() bool {
	for _, r := range v.routers {
		if moe.Epoch(r.GetAckedEpoch()) < v.placement.Epoch() {
			return false
		}
	}
	return true
}

func (v view) places(node moe.NodeID, id moe.ExpertID) bool {
	for _, r := range v.placement.Replicas(id) {
		if r.Node == node {
			return true
		}
	}
	return false
}

// dispensable reports that nobody would miss the node: there is no router to
// ask it, or nothing is placed on it and every router knows.
func (v view) dispensable(node moe.NodeID) bool {
	if v.routersSeen && len(v.routers) == 0 || v.placement == nil {
		return true
	}
	return !v.placed(node) && v.routersSeen && v.acked()
}

// placed reports whether the placement lists the node for anything.
func (v view) placed(node moe.NodeID) bool {
	for _, r := range v.placement.Nodes() {
		if r.Node == node {
			return true
		}
	}
	return false
}
