package local

import (
	"strings"
	"testing"
)

// hachi-mini, asked how to kill a node, names this part of the command line.
func TestACommandLineNamesItsNode(t *testing.T) {
	c := &Cluster{cfg: UpConfig{Binary: "hachi", DataDir: "data"}}
	got := strings.Join(append([]string{c.roleCommand("expert-1", "expertnode").bin}, c.roleCommand("expert-1", "expertnode").args...), " ")
	if !strings.HasPrefix(got, "hachi expertnode --id expert-1 ") {
		t.Errorf("the command line is %q", got)
	}
}
