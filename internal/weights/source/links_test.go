package source

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// TestLinksInTheCacheAreNotWrittenThrough: another user who can put a link into a cache
// chooses no file that the process overwrites.
func TestLinksInTheCacheAreNotWrittenThrough(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make a link of another user")
	}
	dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
	c, err := OpenCache(dir, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(partialDir, "x"), lockFile} {
		link := filepath.Join(dir, name)
		if err := errors.Join(os.Symlink(victim, link), os.Lchown(link, 12345, 12345)); err != nil {
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
