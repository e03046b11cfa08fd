package placement

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestTheHierarchyOfCPUTimeIsFound: that of version 2 where it has the controller.
func TestTheHierarchyOfCPUTimeIsFound(t *testing.T) {
	hierarchy := func(files map[string]string) string {
		dir := t.TempDir()
		for name, text := range files {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	two := hierarchy(map[string]string{"cgroup.controllers": "cpuset cpu io\n"})
	if root, version2, err := controller(two); err != nil || root != two || !version2 {
		t.Errorf("version 2: %s, %v, %v", root, version2, err)
	}
	one := hierarchy(map[string]string{"cpu/cpu.cfs_quota_us": "-1\n"})
	if root, version2, err := controller(one); err != nil || root != filepath.Join(one, "cpu") || version2 {
		t.Errorf("version 1: %s, %v, %v", root, version2, err)
	}
	if root, _, err := controller(hierarchy(nil)); err == nil {
		t.Errorf("none: %s", root)
	}
	dir := t.TempDir()
	if err := setQuota(dir, true, 0.4); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(filepath.Join(dir, "cpu.max")); err != nil || string(raw) != "2000 5000" {
		t.Errorf("%q, %v", raw, err)
	}
}

func TestWithoutLimitsNothingIsWrapped(t *testing.T) {
	q, err := limit([]string{"expert-0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	argv := []string{"hachi", "expertnode"}
	if got := q.exec("expert-0", argv); !slices.Equal(got, argv) {
		t.Errorf("%v", got)
	}
	if err := q.close(); err != nil {
		t.Error(err)
	}
}
