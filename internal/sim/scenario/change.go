package scenario

import "cmp"

// Change replaces what a file says. A zero value keeps it.
type Change struct {
	Nodes    int // of the first group
	Routers  int
	Policy   string
	Replicas int
	Format   string // of experts
	Network  *NetworkFile
}

func (c Change) apply(f *file) {
	if c.Nodes > 0 && len(f.Nodes) > 0 {
		f.Nodes[0].Count = c.Nodes
	}
	f.Routers.Count = cmp.Or(c.Routers, f.Routers.Count)
	f.Placement.Policy = cmp.Or(c.Policy, f.Placement.Policy)
	f.Placement.Replicas = cmp.Or(c.Replicas, f.Placement.Replicas)
	f.Model.Quantize = cmp.Or(c.Format, f.Model.Quantize)
	if c.Network != nil {
		f.Network = *c.Network
	}
}
