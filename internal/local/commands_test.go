package local

import (
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/numa"
)

// hachi-mini, asked how to kill a node, names this part of the command line.
func TestACommandLineNamesItsNode(t *testing.T) {
	c := &Cluster{cfg: UpConfig{Binary: "hachi", DataDir: "data"}}
	got := strings.Join(append([]string{c.roleCommand("expert-1", "expertnode").bin}, c.roleCommand("expert-1", "expertnode").args...), " ")
	if !strings.HasPrefix(got, "hachi expertnode --id expert-1 ") {
		t.Errorf("the command line is %q", got)
	}
}

func TestNodesAreDealtToMemoryNodes(t *testing.T) {
	two := []numa.Node{{ID: 0, CPUs: []int{0, 1}}, {ID: 1, CPUs: []int{2, 3}}}
	for _, memory := range [][]numa.Node{two, two[:1], nil} {
		c := &Cluster{cfg: UpConfig{Binary: "hachi", DataDir: "data"}, memory: memory}
		for i := range 3 {
			switch on := c.nodeCommand(i).on; {
			case len(memory) < 2 && on != nil:
				t.Errorf("node %d is bound to memory node %d of %d", i, on.ID, len(memory))
			case len(memory) == 2 && (on == nil || on.ID != i%2):
				t.Errorf("node %d is bound to %v, want memory node %d", i, on, i%2)
			}
		}
	}
}

func TestCoresAreSharedWhereANodeWouldGetSeveral(t *testing.T) {
	for _, tt := range []struct {
		cores, nodes int
		want         bool
	}{{2, 2, false}, {2, 4, false}, {16, 8, true}, {16, 9, false}, {16, 1, false}, {4, 2, true}} {
		if got := pays(tt.cores, tt.nodes); got != tt.want {
			t.Errorf("%d cores, %d nodes: %v, want %v", tt.cores, tt.nodes, got, tt.want)
		}
	}
	file := UpConfig{Nodes: 1, Routers: 1}
	file.Model.CoreBudget = "/dev/shm/cores"
	if got := file.CoreBudget(); got != "/dev/shm/cores" {
		t.Errorf("a named budget became %q", got)
	}
}
