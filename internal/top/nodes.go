package top

import "fmt"

// nodes is a table of the expert nodes.
func nodes(s state, _ int) []string {
	rows := [][]string{{"NODE", "STATE", "ROWS/S", "SERVING", "RESIDENT", "MEMORY", "OF", "EPOCH", "BACKEND", "ADDRESS"}}
	for _, n := range s.Cluster.Nodes {
		of := "-"
		if n.Capacity > 0 {
			of = size(n.Capacity)
		}
		state := n.State
		if n.LoadError != "" {
			state += " !"
		}
		if by := s.SuspectedBy(n.Node); len(by) > 0 {
			state += " ! suspected"
		}
		rows = append(rows, []string{
			printed(n.Node), state, count(n.RowsPerSecond), fmt.Sprint(n.Serving), fmt.Sprint(n.Resident), size(n.Bytes), of, fmt.Sprint(n.Epoch), printed(n.Backend), printed(n.Addr),
		})
	}
	out := table(rows)
	if len(s.Cluster.Nodes) == 0 {
		out = append(out, "none is registered")
	}
	return out
}
