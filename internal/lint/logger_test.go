package lint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryLoggerMayBeNil: a package whose configuration has a Logger replaces a nil
// one by a silent one, so that a program that embeds hachi need not have one.
func TestEveryLoggerMayBeNil(t *testing.T) {
	asks, replaces := map[string]bool{}, map[string]bool{}
	sources(t, func(dir, path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		raw, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			fields := strings.Fields(line)
			asks[dir] = asks[dir] || len(fields) > 1 && fields[0] == "Logger" && fields[1] == "*slog.Logger"
		}
		replaces[dir] = replaces[dir] || strings.Contains(string(raw), "slog.DiscardHandler")
	})
	for dir := range asks {
		if asks[dir] && !replaces[dir] {
			t.Errorf("%s has a Logger that must not be nil", dir)
		}
	}
	if !asks["coordinator"] {
		t.Error("the coordinator's Logger was not found")
	}
}
