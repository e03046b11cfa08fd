package doctor

import "github.com/hachi-serve/hachi/client"

// judgeMemory compares memory with the model, the placement and this machine.
func judgeMemory(f Facts, out *findings) {
	if m, c := f.Machine, f.Config; m != nil && c != nil && m.Memory > 0 {
		if need := c.Capacity + c.KVCache + c.Dense; need > m.Memory {
			out.add(Fault, c.Path, "lower --capacity or --kv-cache-memory, or choose a larger machine: `hachi plan` computes what a model needs",
				"it takes %d MiB, this machine has %d MiB", need>>20, m.Memory>>20)
		}
		if f.Model != nil && c.Capacity > 0 && f.Model.ExpertBytes > c.Capacity {
			out.add(Fault, c.Path, "raise --capacity", "its capacity of %d MiB holds no expert of %s, which takes %d MiB", c.Capacity>>20, f.Model.Dir, f.Model.ExpertBytes>>20)
		}
	}
	if m := f.Machine; m != nil && m.SwapUsed > m.Memory/10 {
		out.add(Warning, "this machine", "stop what else runs here, or turn swap off: a node that swaps is late and gets suspected", "%d MiB are swapped out", m.SwapUsed>>20)
	}
	if f.Cluster == nil {
		return
	}
	s := f.Cluster.Status
	resident, capacity, bounded := int64(0), int64(0), len(s.Nodes) > 0
	for _, n := range s.Nodes {
		if n.Host != "" && n.Host == f.Cluster.Host {
			resident += int64(n.Bytes)
		}
		capacity += int64(n.Capacity)
		bounded = bounded && n.Capacity > 0
	}
	if m := f.Machine; m != nil && m.Memory > 0 && resident > m.Memory {
		out.add(Fault, "this machine", "move nodes to other machines, or lower their --capacity", "its nodes hold %d MiB of experts, it has %d MiB: weights are read from the disk at every step", resident>>20, m.Memory>>20)
	}
	if need := experts(s) * int64(max(1, s.Replicas)) * f.Cluster.ExpertBytes; bounded && need > capacity {
		out.add(Fault, "expert nodes", "more nodes, more --capacity or fewer --replicas", "%d MiB are needed for every replica, they have %d MiB", need>>20, capacity>>20)
	}
}

// experts counts those of the placement.
func experts(s client.Status) (n int64) {
	for _, layer := range s.Placement {
		n += int64(len(layer))
	}
	return n
}
