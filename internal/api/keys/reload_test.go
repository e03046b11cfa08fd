package keys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestReload follows a file while it changes, also by a link as in the volumes of
// Kubernetes. A file with a fault leaves the keys as they are.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.yaml")
	write := func(path string, entries ...Entry) {
		raw, err := yaml.Marshal(entries)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(path, entry("a", Limits{}))
	file, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func() error
		want   string // the names of the clients
		fault  string
	}{
		{"the same", func() error { return nil }, "a", ""},
		{"another", func() error { write(path, entry("b", Limits{})); return nil }, "b", ""},
		{"half of a file", func() error { return os.WriteFile(path, []byte("- {name: a, sha"), 0o600) }, "b", "keys.yaml: yaml:"},
		{"an empty file", func() error { return os.WriteFile(path, nil, 0o600) }, "b", "the file is empty"},
		{"no file", func() error { return os.Remove(path) }, "b", "no such file"},
		{"a link", func() error {
			write(filepath.Join(dir, "other"), entry("a", Limits{}), entry("b", Limits{}))
			return os.Symlink("other", path)
		}, "ab", ""},
		{"no client", func() error { return os.WriteFile(path, []byte("[]"), 0o600) }, "", ""},
	} {
		if err := tt.change(); err != nil {
			t.Fatal(err)
		}
		if err := file.Reload(); (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.fault)
		}
		for _, name := range []string{"a", "b"} {
			c, err := file.enter("KEY-" + name)
			if (err == nil) != strings.Contains(tt.want, name) {
				t.Errorf("%s: the key of %s: %v", tt.name, name, err)
			}
			if err == nil {
				c.leave()
			}
		}
	}
	if _, err := Open(filepath.Join(dir, "nothing")); err == nil {
		t.Error("a file that is not there is opened")
	}
}
