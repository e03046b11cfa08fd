package moe

import "slices"

// Shard is a set of experts: what a node holds, or should hold. It is sorted
// by (layer, expert) and has no duplicates.
type Shard []ExpertID

// NewShard sorts ids and drops duplicates. It copies its argument.
func NewShard(ids []ExpertID) Shard {
	s := slices.Clone(ids)
	slices.SortFunc(s, compareExperts)
	return slices.Compact(s)
}

// Has reports whether id is in the shard.
func (s Shard) Has(id ExpertID) bool {
	_, ok := slices.BinarySearchFunc(s, id, compareExperts)
	return ok
}

// Minus returns the experts of s that are not in other.
func (s Shard) Minus(other Shard) Shard {
	var out Shard
	for _, id := range s {
		if !other.Has(id) {
			out = append(out, id)
		}
	}
	return out
}

func compareExperts(a, b ExpertID) int {
	switch {
	case a == b:
		return 0
	case a.Less(b):
		return -1
	default:
		return 1
	}
}

// Target says what each node should hold. The coordinator writes it, the
// nodes follow it; it says nothing about what serves.
type Target struct {
	Epoch  Epoch // the placement epoch this target leads to
	Shards map[NodeID]Shard
}
