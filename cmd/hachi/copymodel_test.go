package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestAModelIsPushedAndPulled by the commands, to a layout and back.
func TestAModelIsPushedAndPulled(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	at, back := "oci:"+filepath.Join(t.TempDir(), "layout")+":v1", filepath.Join(t.TempDir(), "back")
	for _, args := range [][]string{{"push", copied(t, nil), at}, {"pull", at, back}} {
		if out, _, err := execute(t, append([]string{"model"}, args...)...); err != nil || !strings.Contains(out, "100%") {
			t.Fatalf("%v: %v, %s", args, err, out)
		}
	}
	var digests []string
	for _, place := range []string{tinyDir, at, back} {
		out, _, err := execute(t, "model", "inspect", place)
		if err != nil {
			t.Fatalf("%s: %v", place, err)
		}
		_, after, _ := strings.Cut(out, "digest")
		digest, _, _ := strings.Cut(after, "\n")
		digests = append(digests, digest)
	}
	if digests[0] == "" || digests[1] != digests[0] || digests[2] != digests[0] {
		t.Errorf("digests %q", digests)
	}
}
