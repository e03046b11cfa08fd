package sim

import "slices"

// holders are the nodes that can compute each expert, by Topology.Index and node.serial.
// Those of most experts fit the first ones, which lie together in memory: every call looks
// at them.
type holders struct {
	first [][4]int32 // 0 is none
	more  map[int][]int32
}

func newHolders(experts int) holders {
	return holders{make([][4]int32, experts), map[int][]int32{}}
}

func (h *holders) has(expert int, serial int32) bool {
	f := &h.first[expert]
	return f[0] == serial || f[1] == serial || f[2] == serial || f[3] == serial || slices.Contains(h.more[expert], serial)
}

func (h *holders) add(expert int, serial int32) {
	f := h.first[expert][:]
	if free := slices.Index(f, 0); free >= 0 {
		f[free] = serial
		return
	}
	h.more[expert] = append(h.more[expert], serial)
}

func (h *holders) remove(expert int, serial int32) {
	f := h.first[expert][:]
	if at := slices.Index(f, serial); at >= 0 {
		f[at] = 0
	}
	if more := h.more[expert]; more != nil {
		h.more[expert] = slices.DeleteFunc(more, func(other int32) bool { return other == serial })
	}
}
