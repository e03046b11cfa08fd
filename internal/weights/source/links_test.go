package source

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// TestLinksInTheCacheAreNotWrittenThrough: who can put a link into a cache chooses no file
// that the process overwrites.
func TestLinksInTheCacheAreNotWrittenThrough(t *testing.T) {
	dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
	c, err := OpenCache(dir, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(partialDir, "x"), lockFile} {
		if err := os.Symlink(victim, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if f, err := lock(filepath.Join(dir, partialDir, "x")); err == nil {
		t.Error("a link is opened in place of a tensor")
		f.Close()
	}
	if c.makeRoom("") {
		t.Error("a link is taken for the lock")
	}
	if _, err := os.Lstat(victim); err == nil {
		t.Error("the file that the links lead to was made")
	}
}
