package moepb

import (
	"fmt"

	"github.com/hachi-serve/hachi/moe"
)

// Bounds far above any model: they keep a damaged or hostile record from
// costing memory.
const (
	maxLayers  = 1 << 12
	maxExperts = 1 << 17 // of all layers
)

// TopologyToProto lists the experts of every layer.
func TopologyToProto(t moe.Topology) []uint32 {
	out := make([]uint32, t.Layers())
	for layer := range out {
		out[layer] = uint32(t.In(layer))
	}
	return out
}

// TopologyFromProto reads the experts of every layer. More layers or experts
// than any model has are an error.
func TopologyFromProto(perLayer []uint32) (moe.Topology, error) {
	if len(perLayer) > maxLayers {
		return moe.Topology{}, fmt.Errorf("topology: %d layers, expected at most %d", len(perLayer), maxLayers)
	}
	counts, all := make([]int, len(perLayer)), uint64(0)
	for layer, n := range perLayer {
		if all += uint64(n); all > maxExperts {
			return moe.Topology{}, fmt.Errorf("topology: more than %d experts up to layer %d", maxExperts, layer)
		}
		counts[layer] = int(n)
	}
	return moe.NewTopology(counts), nil
}
