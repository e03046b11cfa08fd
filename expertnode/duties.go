package expertnode

import (
	"github.com/hachi-serve/hachi/internal/expertnode/batcher"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// News is what a node has heard of its cluster. A nil field was not heard of yet.
type News struct {
	Target    *moe.Target
	Placement *moe.Placement
	Routers   []*hachiv1.RouterRecord // of its model; an empty list is news too
}

// Duties lists the experts that a node should load, and those that it may unload, for
// an owner that moves them itself instead of Run. It is pure.
func Duties(node moe.NodeID, resident moe.Shard, n News) (load, unload moe.Shard) {
	v := view{placement: n.Placement, routers: n.Routers, routersSeen: n.Routers != nil}
	if n.Target != nil {
		v.target, v.targetKnown = *n.Target, true
	}
	return v.toLoad(node, resident), v.toUnload(node, resident)
}

// Measured is what a node has measured of itself.
type Measured struct {
	Rows  uint64 // served since the start
	Speed batcher.Speed
	// LoadRate is how fast experts are loaded, bytes/s; 0 is not known.
	LoadRate float64
}

// Record writes the measurements into the node's record. Those that other nodes are
// compared by change only when they differ by more than a tenth.
func (m Measured) Record(r *hachiv1.NodeRecord) {
	r.RowsServed, r.BusySeconds = m.Rows, m.Speed.Busy.Seconds()
	settle(&r.ExpertSeconds, m.Speed.Expert.Seconds())
	settle(&r.RowSeconds, m.Speed.Row.Seconds())
	settle(&r.LoadBytesPerSecond, m.LoadRate)
}
