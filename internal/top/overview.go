package top

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/client"
)

// rowsPerSecond are those of all experts.
func rowsPerSecond(s client.Status) (sum float64) {
	for _, layer := range s.RowsPerSecond {
		for _, rows := range layer {
			sum += rows
		}
	}
	return sum
}

// replicas counts experts, those without a replica on a registered node, and those with
// one.
func replicas(s client.Status) (all, none, one int) {
	live := map[string]bool{}
	for _, n := range s.Nodes {
		live[n.Node] = true
	}
	for _, layer := range s.Placement {
		for _, on := range layer {
			all++
			switch n := len(slices.DeleteFunc(slices.Clone(on), func(node string) bool { return !live[node] })); n {
			case 0:
				none++
			case 1:
				one++
			}
		}
	}
	return all, none, one
}

// verdict says whether the cluster serves.
func verdict(s state) string {
	all, none, _ := replicas(s.Status)
	switch {
	case s.at.IsZero() && s.err == nil:
		return "asking the cluster"
	case s.at.IsZero():
		return "NOT KNOWN"
	case all == 0:
		return "DOES NOT SERVE: no placement is published yet"
	case none > 0:
		return fmt.Sprintf("PAUSES: %d of %d experts have no replica", none, all)
	case len(s.Routers) == 0:
		return "DOES NOT SERVE: no router is registered"
	case s.Degraded != "":
		return "serves, degraded"
	}
	return "serves"
}

// overview is the first page.
func overview(s state, width int) []string {
	all, none, one := replicas(s.Status)
	leader := s.Leader
	switch {
	case leader == "":
		leader = "none: the placement is frozen"
	case s.NoLeader != "":
		leader += ", which does not answer: " + s.NoLeader
	}
	running := uint32(0)
	for _, r := range s.Routers {
		running += r.Load
	}
	out := table([][]string{
		{"leader", printed(leader)},
		{"placement", fmt.Sprintf("epoch %d, %s, %d replicas of each expert", s.Epoch, printed(s.Policy), s.Replicas)},
		{"experts", fmt.Sprintf("%d: %d with no replica, %d with one", all, none, one)},
		{"nodes", fmt.Sprintf("%d registered, %d needed, %.1f busy", len(s.Nodes), s.NodesNeeded, s.BusyNodes)},
		{"routers", fmt.Sprintf("%d, with %d requests; %d gateways", len(s.Routers), running, len(s.Gateways))},
		{"rows/s", count(rowsPerSecond(s.Status)) + "  " + sparkline(s.history, max(0, width-24))},
	})
	if s.Degraded != "" {
		for _, why := range strings.Split(s.Degraded, "; ") {
			out = append(out, "! degraded: "+printed(why))
		}
	}
	for _, n := range s.Nodes {
		if n.LoadError != "" {
			out = append(out, "! "+printed(n.Node)+" cannot load: "+printed(n.LoadError))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Damaged)) {
		out = append(out, "! damaged: "+printed(key)+": "+printed(s.Damaged[key]))
	}
	out = append(out, "", "busiest experts")
	rows := [][]string{{"EXPERT", "ROWS/S", "TIMES MEAN", "NODES"}}
	for _, e := range s.Busiest {
		rows = append(rows, []string{fmt.Sprintf("L%d/E%d", e.Layer, e.Expert), count(e.RowsPerSecond), fmt.Sprintf("%.1f", e.TimesMean), printed(strings.Join(e.Nodes, " "))})
	}
	if len(s.Busiest) == 0 {
		return append(out, "none: no rows were sent lately")
	}
	return append(out, table(rows)...)
}
