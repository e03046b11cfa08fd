package doctor

import (
	"fmt"
	"strings"
)

// judgeReplicas counts the live replicas of each expert.
func judgeReplicas(f Facts, out *findings) {
	if f.Cluster == nil || f.Cluster.Status.Epoch == 0 {
		return
	}
	s := f.Cluster.Status
	live := map[string]bool{}
	for _, n := range s.Nodes {
		live[n.Node] = true
	}
	for _, p := range f.Cluster.Processes {
		if p.Role == roleNode && p.Err != "" {
			live[p.Name] = false
		}
	}
	missing, single := place{}, place{}
	for layer, experts := range s.Placement {
		for expert, nodes := range experts {
			n := 0
			for _, node := range nodes {
				if live[node] {
					n++
				}
			}
			switch n {
			case 0:
				missing.add(layer, expert)
			case 1:
				single.add(layer, expert)
			}
		}
	}
	if missing.n > 0 {
		out.add(Fault, missing.first, "bring its node back; `hachi status` shows whether it is being placed on another", "%d experts have no live replica: requests that need them wait", missing.n)
	}
	switch {
	case single.n > 0 && s.Replicas > 1:
		out.add(Warning, single.first, "start another node, or give the nodes more --capacity", "%d experts have one live replica, %d are configured", single.n, s.Replicas)
	case single.n > 0:
		out.add(Note, "", "give `--replicas 2` to the coordinator if nodes have the memory", "each expert has one replica: the death of a node pauses streams until its experts are loaded elsewhere")
	}
}

// place counts experts and names the first.
type place struct {
	n     int
	first string
}

func (p *place) add(layer, expert int) {
	if p.n++; p.n == 1 {
		p.first = fmt.Sprintf("L%d/E%d", layer, expert)
	}
}

// judgePlacement reports what keeps the placement from what it should be.
func judgePlacement(f Facts, out *findings) {
	if f.Cluster == nil {
		return
	}
	s := f.Cluster.Status
	for _, why := range strings.Split(s.Degraded, "; ") {
		if why != "" {
			out.add(Warning, "placement", "docs/operations.md, \"What degraded says\", has what to do for this text", "%s", why)
		}
	}
	for _, n := range s.Nodes {
		if n.LoadError != "" {
			out.add(Fault, n.Node, "verify the files there (`hachi model inspect --verify`), or give it more --capacity", "it cannot load experts: %s", n.LoadError)
		}
	}
	for _, r := range s.Routers {
		if r.Acked < s.Epoch && s.Epoch-r.Acked > 1 {
			out.add(Warning, r.Router, "read its log: it does not hear of new placements", "it uses the placement of epoch %d, the newest is %d: nodes keep the experts of both", r.Acked, s.Epoch)
		}
	}
	if s.NodesNeeded > uint32(len(s.Nodes)) {
		out.add(Warning, "expert nodes", "start more: docs/operations.md, \"How many nodes the load needs\"", "%d are registered, load, memory and replicas need %d", len(s.Nodes), s.NodesNeeded)
	}
}
