package lint

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var (
	action = regexp.MustCompile(`(?m)^\s*(?:- )?uses: (\S+)(.*)$`)
	// commit names an action by its content; its owner can move a tag.
	commit  = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`)
	version = regexp.MustCompile(`^ # v\d+\.\d+\.\d+$`)
)

// TestActionsArePinned by commit, with their version for readers.
func TestActionsArePinned(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no workflow: %v", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, use := range action.FindAllStringSubmatch(string(raw), -1) {
			if !commit.MatchString(use[1]) || !version.MatchString(use[2]) {
				t.Errorf("%s: %s%s, want OWNER/NAME@COMMIT # VERSION", file, use[1], use[2])
			}
		}
	}
}
