package expertnode

import (
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// view is what a node knows of the cluster: the newest record of each kind.
type view struct {
	target      moe.Target
	targetKnown bool
	placement   *moe.Placement
	routers     []*hachiv1.RouterRecord
	routersSeen bool
}

// toLoad lists the experts that the target gives this node and the node does not
// hold.
func (v view) toLoad(node moe.NodeID, resident moe.Shard) moe.Shard {
	return v.target.Shards[node].Minus(resident)
}

// toUnload lists the experts that may be unloaded: neither the target nor the
// placement lists them on this node, and every live router has acked that
// placement and no newer one. Without a target, a placement and the routers' records it lists
// none.
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

// acked reports that every live router uses the placement that the node knows. A
// router with an older one may have a call in flight; one with a newer one knows what
// has not reached this node yet, or what etcd has lost since.
func (v view) acked() bool {
	for _, r := range v.routers {
		if moe.Epoch(r.GetAckedEpoch()) != v.placement.Epoch() {
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

// dispensable reports that no router needs the node: there is no router, or the
// placement lists nothing on the node and every router has acked it.
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
