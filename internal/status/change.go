package status

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Change is a placement that replaced another.
type Change struct {
	At     time.Time
	Epoch  uint64
	Before uint64 // the epoch that it replaced; 0 for the first
	Why    string
	Leader string // "" if none led then
	Moves  []Move // the first maxMoves of them
	Gained int    // copies of experts that nodes began to serve
	Lost   int    // copies of experts that nodes stopped to serve
	Bytes  uint64 // of the copies that were gained
}

// Move is an expert whose nodes changed.
type Move struct {
	Layer, Expert int
	Gained, Lost  []string // nodes
}

// maxMoves bounds the moves of a change that are kept.
const maxMoves = 256

// Changed is the change of the placement between two states; ok is false if there is
// none, and for the first state that has records.
func Changed(before, after State) (c Change, ok bool) {
	if before.Known.IsZero() || after.Cluster.Epoch == 0 || after.Cluster.Epoch == before.Cluster.Epoch {
		return c, false
	}
	c = Change{At: after.At, Epoch: after.Cluster.Epoch, Before: before.Cluster.Epoch, Leader: after.Cluster.Leader}
	for layer, experts := range after.Cluster.Placement {
		for expert, now := range experts {
			var was []string
			if layer < len(before.Cluster.Placement) && expert < len(before.Cluster.Placement[layer]) {
				was = before.Cluster.Placement[layer][expert]
			}
			m := Move{layer, expert, without(now, was), without(was, now)}
			c.Gained, c.Lost = c.Gained+len(m.Gained), c.Lost+len(m.Lost)
			if len(m.Gained)+len(m.Lost) > 0 && len(c.Moves) < maxMoves {
				c.Moves = append(c.Moves, m)
			}
		}
	}
	c.Bytes = uint64(c.Gained) * after.ExpertBytes
	c.Why = whyChanged(before, after, c)
	return c, true
}

// without are the names of a that b does not have.
func without(a, b []string) (out []string) {
	for _, name := range a {
		if !slices.Contains(b, name) {
			out = append(out, name)
		}
	}
	return out
}

// whyChanged derives the reason of a change from what the states show: nodes that
// left, drain or joined, and otherwise what the copies did.
func whyChanged(before, after State, c Change) string {
	was, is := servers(before), servers(after)
	state := map[string]string{}
	for _, n := range after.Cluster.Nodes {
		state[n.Node] = n.State
	}
	var left, drained, joined []string
	for _, node := range sorted(was) {
		switch {
		case state[node] == "" || len(after.SuspectedBy(node)) > 0 && is[node] < was[node]:
			left = append(left, node)
		case state[node] == "draining" && is[node] < was[node]:
			drained = append(drained, node)
		}
	}
	for _, node := range sorted(is) {
		if was[node] == 0 {
			joined = append(joined, node)
		}
	}
	var why []string
	say := func(names []string, what string) {
		if len(names) > 0 {
			why = append(why, strings.Join(names, ", ")+" "+what)
		}
	}
	switch {
	case c.Before == 0:
		return "the first placement"
	default:
		say(left, "left")
		say(drained, "drains")
		say(joined, "joined")
	}
	switch {
	case len(why) > 0:
	case c.Gained > 0 && c.Lost > 0:
		why = append(why, "load moved to other nodes")
	case c.Gained > 0:
		why = append(why, "copies were loaded")
	case c.Lost > 0:
		why = append(why, "copies were dropped")
	default:
		why = append(why, "addresses or the order of replicas changed")
	}
	return fmt.Sprintf("%s (%d copies gained, %d lost)", strings.Join(why, "; "), c.Gained, c.Lost)
}

// servers counts the experts that each node serves.
func servers(s State) map[string]int {
	out := map[string]int{}
	for _, experts := range s.Cluster.Placement {
		for _, nodes := range experts {
			for _, node := range nodes {
				out[node]++
			}
		}
	}
	return out
}

func sorted(all map[string]int) (names []string) {
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
