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

// verdict says whether the cluster serves, by the records that were read last.
func verdict(s state) string {
	switch {
	case s.Known.IsZero() && s.Fault == "":
		return "asking the cluster"
	case s.Known.IsZero():
		return "NOT KNOWN"
	}
	s.Fault = ""
	switch v := s.Verdict(); {
	case v.Missing > 0:
		return fmt.Sprintf("PAUSES: %d of %d experts have no replica", v.Missing, v.Total)
	case !v.Serves:
		return "DOES NOT SERVE: " + v.Why
	case s.Cluster.Degraded != "":
		return "serves, degraded"
	}
	return "serves"
}

// overview is the first page.
func overview(s state, width int) []string {
	c, v := s.Cluster, s.Verdict()
	leader := c.Leader
	switch {
	case leader == "":
		leader = "none: the placement is frozen"
	case c.NoLeader != "":
		leader += ", which does not answer: " + c.NoLeader
	}
	running := uint32(0)
	for _, r := range c.Routers {
		running += r.Load
	}
	out := table([][]string{
		{"leader", printed(leader)},
		{"placement", fmt.Sprintf("epoch %d, %s, %d replicas of each expert", c.Epoch, printed(c.Policy), c.Replicas)},
		{"experts", fmt.Sprintf("%d: %d with no replica, %d with one", v.Total, v.Missing, v.One)},
		{"nodes", fmt.Sprintf("%d registered, %d needed, %.1f busy", len(c.Nodes), c.NodesNeeded, c.BusyNodes)},
		{"routers", fmt.Sprintf("%d, with %d requests; gateways: %d", len(c.Routers), running, len(c.Gateways))},
		{"rows/s", count(rowsPerSecond(c)) + "  " + sparkline(s.history, max(0, width-24))},
		{"tokens/s", fmt.Sprintf("%s; first token p50 %s p99 %s, between tokens p50 %s p99 %s",
			count(float64(s.latest.TokensPerSecond)), seconds(s.latest.FirstP50), seconds(s.latest.FirstP99), seconds(s.latest.NextP50), seconds(s.latest.NextP99))},
	})
	if c.Degraded != "" {
		for _, why := range strings.Split(c.Degraded, "; ") {
			out = append(out, "! degraded: "+printed(why))
		}
	}
	for _, n := range c.Nodes {
		if n.LoadError != "" {
			out = append(out, "! "+printed(n.Node)+" cannot load: "+printed(n.LoadError))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.Damaged)) {
		out = append(out, "! damaged: "+printed(key)+": "+printed(c.Damaged[key]))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Silent)) {
		out = append(out, "! "+printed(name)+" does not answer: "+printed(s.Silent[name]))
	}
	out = append(out, "", "busiest experts")
	rows := [][]string{{"EXPERT", "ROWS/S", "TIMES MEAN", "NODES"}}
	for _, e := range c.Busiest {
		rows = append(rows, []string{fmt.Sprintf("L%d/E%d", e.Layer, e.Expert), count(e.RowsPerSecond), fmt.Sprintf("%.1f", e.TimesMean), printed(strings.Join(e.Nodes, " "))})
	}
	if len(c.Busiest) == 0 {
		return append(out, "none: no rows were sent lately")
	}
	return append(out, table(rows)...)
}
