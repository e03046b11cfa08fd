package numa

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestAProcessKeepsToTheCoresOfItsNode starts one on the last core of this process, with
// the memory of node 0, which every machine has; this process keeps its own cores.
func TestAProcessKeepsToTheCoresOfItsNode(t *testing.T) {
	before, err := allowedCPUs()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/proc/self/numa_maps"); err != nil {
		t.Skip("the kernel knows no memory nodes")
	}
	last := before[len(before)-1]
	cmd := exec.Command("cat", "/proc/self/status", "/proc/self/numa_maps")
	var out strings.Builder
	cmd.Stdout = &out
	if err := Start(cmd, Node{0, []int{last}}); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(out.String(), "Cpus_allowed_list:")
	if got, err := parseList(strings.Fields(list)[0]); err != nil || len(got) != 1 || got[0] != last {
		t.Errorf("the process may use %v, %v, want core %d", got, err, last)
	}
	if !strings.Contains(out.String(), "prefer:0") && !strings.Contains(out.String(), "prefer=static:0") {
		t.Errorf("the process does not prefer the memory of node 0")
	}
	if after, err := allowedCPUs(); err != nil || len(after) != len(before) {
		t.Errorf("this process may use %v, %v, before it was %v", after, err, before)
	}
}
