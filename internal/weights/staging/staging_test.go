package staging

import (
	"os"
	"path/filepath"
	"testing"
)

// stage writes one file to a directory to be.
func stage(t *testing.T, target string) *Dir {
	t.Helper()
	d, err := New(target)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.Path("config.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	return d
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestNothingIsSeenBeforePublish(t *testing.T) {
	parent := t.TempDir()
	empty := filepath.Join(parent, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{filepath.Join(parent, "deep", "new"), empty} {
		d := stage(t, target)
		if _, err := os.Stat(filepath.Join(target, "config.json")); err == nil {
			t.Errorf("%s is seen before it is published", target)
		}
		if err := d.Publish(); err != nil {
			t.Fatal(err)
		}
		if got := names(t, target); len(got) != 1 || got[0] != "config.json" {
			t.Errorf("%s holds %v", target, got)
		}
	}
}

func TestDiscardLeavesNothing(t *testing.T) {
	parent := t.TempDir()
	if err := stage(t, filepath.Join(parent, "new")).Discard(); err != nil {
		t.Fatal(err)
	}
	if left := names(t, parent); len(left) > 0 {
		t.Errorf("left behind %v", left)
	}
}

func TestOneOfTwoPublishes(t *testing.T) {
	target := filepath.Join(t.TempDir(), "new")
	first, second := stage(t, target), stage(t, target)
	if err := first.Publish(); err != nil {
		t.Fatal(err)
	}
	if err := second.Publish(); err == nil {
		t.Error("a directory in use is replaced")
	}
}
