package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLinksAndForeignDirectoriesAreRefused(t *testing.T) {
	parent := t.TempDir()
	dir, link := filepath.Join(parent, "dir"), filepath.Join(parent, "link")
	if err := ownDir(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if err := ownDir(link); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("a link: %v", err)
	}
	if err := os.Symlink(parent, filepath.Join(dir, "certs")); err != nil {
		t.Fatal(err)
	}
	if err := ownDir(dir); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("a link inside: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "certs")); err != nil {
		t.Fatal(err)
	}
	deep := filepath.Join(dir, "logs", "expert-0.log")
	if err := os.Mkdir(filepath.Dir(deep), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(parent, "victim"), deep); err != nil {
		t.Fatal(err)
	}
	if err := ownDir(dir); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("a link in place of a log: %v", err)
	}
	foreign := "/" // of root
	if os.Getuid() == 0 {
		foreign = filepath.Join(parent, "foreign")
		if err := os.Mkdir(foreign, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(foreign, 12345, 12345); err != nil {
			t.Fatal(err)
		}
	}
	if err := ownDir(foreign); err == nil || !strings.Contains(err.Error(), "belongs to user") {
		t.Errorf("a foreign directory: %v", err)
	}
}
