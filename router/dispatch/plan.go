package dispatch

import (
	"slices"

	"github.com/hachi-serve/hachi/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// task is the work of one expert: the slots (row*K+k) of the routing that
// chose it, ascending, and the nodes that failed to do it.
type task struct {
	expert int
	slots  []int
	tried  []moe.NodeID
	last   error
}

// tasks groups a routing by expert, ascending.
func tasks(r moe.Routing, experts int) []*task {
	byExpert := make([]*task, experts)
	for slot, e := range r.Experts {
		if byExpert[e] == nil {
			byExpert[e] = &task{expert: int(e)}
		}
		byExpert[e].slots = append(byExpert[e].slots, slot)
	}
	return slices.DeleteFunc(byExpert, func(t *task) bool { return t == nil })
}

// share is what one node gets.
type share struct {
	to    moe.Replica
	tasks []*task
	rows  int
}

// plan assigns every task to an untried replica: unsuspected before suspected,
// then the node with the fewest rows of this plan, then the placement's order.
// The first task without an untried replica is returned as lost.
func plan(todo []*task, replicas func(expert int) []moe.Replica, suspects suspicion) (shares []*share, lost *task) {
	find := func(node moe.NodeID) *share {
		for _, s := range shares {
			if s.to.Node == node {
				return s
			}
		}
		return nil
	}
	rank := func(r moe.Replica) int {
		rows := 0
		if s := find(r.Node); s != nil {
			rows = s.rows
		}
		if suspects.has(r.Node) {
			rows += 1 << 30
		}
		return rows
	}
	for _, t := range todo {
		best := -1
		list := replicas(t.expert)
		for i, r := range list {
			if !slices.Contains(t.tried, r.Node) && (best < 0 || rank(r) < rank(list[best])) {
				best = i
			}
		}
		if best < 0 {
			return nil, t
		}
		s := find(list[best].Node)
		if s == nil {
			s = &share{to: list[best]}
			shares = append(shares, s)
		}
		s.tasks = append(s.tasks, t)
		s.rows += len(t.slots)
	}
	return shares, nil
}

// call writes the message of a share: each row once, groups ascending.
func (s *share) call(h tensor.Matrix, k int, wire tensor.DType) *moe.Call {
	var rows []int
	for _, t := range s.tasks {
		for _, slot := range t.slots {
			rows = append(rows, slot/k)
		}
	}
	slices.Sort(rows)
	rows = slices.Compact(rows)
	c := &moe.Call{Rows: len(rows), X: make([]byte, len(rows)*h.Cols*wire.Size())}
	index := make(map[int]int32, len(rows))
	for i, row := range rows {
		index[row] = int32(i)
		size := h.Cols * wire.Size()
		tensor.Encode(c.X[i*size:(i+1)*size], h.Row(row), wire)
	}
	for _, t := range s.tasks {
		g := moe.Group{Expert: t.expert, Index: make([]int32, len(t.slots))}
		for i, slot := range t.slots {
			g.Index[i] = index[slot/k]
		}
		c.Groups = append(c.Groups, g)
	}
	return c
}
