package numa

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Node is a memory node with cores.
type Node struct {
	ID   int
	CPUs []int // ascending
}

// maxCPU bounds the numbers that a list may name.
const maxCPU = 1 << 16

// Read lists the memory nodes that have cores, ascending. sys is /sys.
func Read(sys fs.FS) ([]Node, error) {
	const dir = "devices/system/node"
	online, err := readList(sys, path.Join(dir, "online"))
	if err != nil {
		return nil, err
	}
	var out []Node
	for _, id := range online {
		cpus, err := readList(sys, path.Join(dir, "node"+strconv.Itoa(id), "cpulist"))
		if err != nil {
			return nil, err
		}
		if len(cpus) > 0 {
			out = append(out, Node{id, cpus})
		}
	}
	return out, nil
}

// readList reads a file with a list of numbers, "0-3,8" for example.
func readList(sys fs.FS, name string) ([]int, error) {
	raw, err := fs.ReadFile(sys, name)
	if err != nil {
		return nil, err
	}
	list, err := parseList(strings.TrimSpace(string(raw)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return list, nil
}

func parseList(text string) (out []int, err error) {
	if text == "" {
		return nil, nil
	}
	for _, part := range strings.Split(text, ",") {
		first, last, several := strings.Cut(part, "-")
		if !several {
			last = first
		}
		from, err := strconv.Atoi(first)
		if err != nil {
			return nil, fmt.Errorf("%q is no list of numbers", text)
		}
		to, err := strconv.Atoi(last)
		if err != nil || from < 0 || to < from || to >= maxCPU {
			return nil, fmt.Errorf("%q is no list of numbers from 0 to %d", text, maxCPU-1)
		}
		for n := from; n <= to; n++ {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Usable are the nodes with the cores among them that a process may use; a node without
// any is left out.
func Usable(all []Node, allowed []int) (out []Node) {
	for _, n := range all {
		cpus := slices.DeleteFunc(slices.Clone(n.CPUs), func(c int) bool { return !slices.Contains(allowed, c) })
		if len(cpus) > 0 {
			out = append(out, Node{n.ID, cpus})
		}
	}
	return out
}

// Home is the only one of several nodes whose cores a process may use: false for a
// process that is bound to none.
func Home(all []Node, allowed []int) (Node, bool) {
	usable := Usable(all, allowed)
	if len(all) < 2 || len(usable) != 1 {
		return Node{}, false
	}
	return usable[0], true
}

// Deal is the node of the i-th of several processes, in turn; false on a machine with
// one node.
func Deal(usable []Node, i int) (Node, bool) {
	if len(usable) < 2 {
		return Node{}, false
	}
	return usable[i%len(usable)], true
}
