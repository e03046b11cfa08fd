package sim

import "slices"

// holders are the nodes that can compute an expert, by node.serial. Those of most experts
// fit the first ones, which lie together in memory: every call looks at them.
type holders struct {
	first [4]int32 // 0 is none
	more  []int32
}

func (h *holders) has(serial int32) bool {
	return slices.Contains(h.first[:], serial) || (h.more != nil && slices.Contains(h.more, serial))
}

func (h *holders) add(serial int32) {
	if free := slices.Index(h.first[:], 0); free >= 0 {
		h.first[free] = serial
		return
	}
	h.more = append(h.more, serial)
}

func (h *holders) remove(serial int32) {
	if at := slices.Index(h.first[:], serial); at >= 0 {
		h.first[at] = 0
	}
	h.more = slices.DeleteFunc(h.more, func(other int32) bool { return other == serial })
}
