package eplb

import (
	"cmp"
	"fmt"
	"slices"
)

// Shape is the hardware that a layer is laid out on.
type Shape struct {
	Slots  int // physical experts of a layer
	Groups int // expert groups of the model; 1 when the model has none
	Nodes  int
	GPUs   int // of all nodes
}

// Check finds why a layer of that many experts cannot have the shape.
func (s Shape) Check(experts int) error {
	switch {
	case experts < 1 || s.Slots < 1 || s.Groups < 1 || s.Nodes < 1 || s.GPUs < 1:
		return fmt.Errorf("%d experts and %+v, expected 1 or more of everything", experts, s)
	case s.Slots < experts:
		return fmt.Errorf("%d slots for %d experts, expected a slot for every expert", s.Slots, experts)
	case experts%s.Groups != 0:
		return fmt.Errorf("%d experts in %d groups, expected a multiple", experts, s.Groups)
	case s.GPUs%s.Nodes != 0:
		return fmt.Errorf("%d GPUs on %d nodes, expected a multiple", s.GPUs, s.Nodes)
	case s.Slots%s.GPUs != 0:
		return fmt.Errorf("%d slots on %d GPUs, expected a multiple", s.Slots, s.GPUs)
	default:
		return nil
	}
}

// Rebalance lays out one layer: out[slot] is the expert in a slot, and the slots of
// GPU g are g*Slots/GPUs and the following ones. loads are the loads of the
// experts. The hierarchical policy applies if the groups divide by the nodes, the
// global policy otherwise.
func Rebalance(loads []float64, s Shape) ([]int, error) {
	if err := s.Check(len(loads)); err != nil {
		return nil, err
	}
	if s.Groups%s.Nodes != 0 {
		s.Groups, s.Nodes = 1, 1
	}
	weights := make([]float32, len(loads))
	for i, load := range loads {
		weights[i] = float32(load)
	}
	size := len(loads) / s.Groups // experts of a group
	var out []int
	for _, groups := range pack(sumGroups(weights, size), s.Nodes) {
		out = append(out, layNode(weights, groups, size, s.Slots/s.Nodes, s.GPUs/s.Nodes)...)
	}
	return out, nil
}

// sumGroups adds the weights of each group of consecutive experts.
func sumGroups(weights []float32, size int) []float32 {
	out := make([]float32, 0, len(weights)/size)
	for group := range slices.Chunk(weights, size) {
		sum := float32(0)
		for _, w := range group {
			sum += w
		}
		out = append(out, sum)
	}
	return out
}

// layNode lays the experts of some groups out on the GPUs of a node.
func layNode(weights []float32, groups []int, size, slots, gpus int) []int {
	var experts []int
	for _, group := range groups {
		for i := range size {
			experts = append(experts, group*size+i)
		}
	}
	own := make([]float32, len(experts))
	for i, e := range experts {
		own[i] = weights[e]
	}
	held, copies := replicate(own, slots)
	perCopy := make([]float32, slots)
	for slot, e := range held {
		perCopy[slot] = own[e] / float32(copies[e])
	}
	out := make([]int, 0, slots)
	for _, pack := range pack(perCopy, gpus) {
		for _, slot := range pack {
			out = append(out, experts[held[slot]])
		}
	}
	return out
}

// replicate fills slots: one for every expert, then one more for the expert with
// the highest weight per copy, until all slots are taken.
func replicate(weights []float32, slots int) (held, copies []int) {
	copies = make([]int, len(weights))
	for slot := range slots {
		expert := slot
		if slot >= len(weights) {
			expert = 0
			for e := range weights {
				if weights[e]/float32(copies[e]) > weights[expert]/float32(copies[expert]) {
					expert = e
				}
			}
		}
		held = append(held, expert)
		copies[expert]++
	}
	return held, copies
}

// pack distributes items over packs of equal size: heaviest first, each to the
// lightest pack that has room. It lists the items of each pack in the order in
// which they came.
func pack(weights []float32, packs int) [][]int {
	size := len(weights) / packs
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	if size > 1 {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
	}
	out, sums := make([][]int, packs), make([]float32, packs)
	for _, item := range order {
		best := -1
		for p := range out {
			if len(out[p]) < size && (best < 0 || (size > 1 && sums[p] < sums[best])) {
				best = p
			}
		}
		out[best] = append(out[best], item)
		sums[best] += weights[item]
	}
	return out
}
