package doctor

import "github.com/hachi-serve/hachi/client"

// judgeMemory compares memory with the model, the placement and this machine.
func judgeMemory(f Facts, out *findings) {
	if m, c := f.Machine, f.Config; m != nil && c != nil && m.Memory > 0 {
		if need := c.Capacity + c.KVCache + c.Dense; need > m.Memory {
			out.add(Fault, c.Path, "lower --capacity or --kv-cache-memory, or choose a larger machine: `hachi plan` computes what a model needs",
				"it takes %d MiB (%d of experts, %d of the KV cache, %d of other weights), this machine has %d MiB", need>>20, c.Capacity>>20, c.KVCache>>20, c.Dense>>20, m.Memory>>20)
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
	weights, kv := routersHere(f.Cluster)
	if m := f.Machine; m != nil && m.Memory > 0 && resident+weights+kv > m.Memory {
		out.add(Fault, "this machine", "move nodes or routers to other machines, or lower their --capacity or --kv-cache-memory",
			"its nodes hold %d MiB of experts, its routers %d MiB of weights and %d MiB of KV cache, it has %d MiB: weights are read from the disk at every step",
			resident>>20, weights>>20, kv>>20, m.Memory>>20)
	}
	if need := experts(s) * int64(max(1, s.Replicas)) * f.Cluster.ExpertBytes; bounded && need > capacity {
		out.add(Fault, "expert nodes", "more nodes, more --capacity or fewer --replicas", "%d MiB are needed for every replica, they have %d MiB", need>>20, capacity>>20)
	}
}

// routersHere is the memory of the routers on this machine. They map the same files.
func routersHere(c *ClusterFacts) (weights, kv int64) {
	here := map[string]bool{}
	for _, r := range c.Status.Routers {
		here[r.Router] = r.Host != "" && r.Host == c.Host
	}
	for _, p := range c.Processes {
		if p.Role == roleRouter && here[p.Name] {
			weights, kv = max(weights, p.Weights), kv+p.KV
		}
	}
	return weights, kv
}

// experts counts those of the placement.
func experts(s client.Status) (n int64) {
	for _, layer := range s.Placement {
		n += int64(len(layer))
	}
	return n
}
