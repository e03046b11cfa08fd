package lint

import (
	"os"
	"path/filepath"
	"regexp"
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

// TestTestsReadLogsThatMayBeWritten: a test reads a log from a logtest.Log, because a
// goroutine of its subject may still write.
func TestTestsReadLogsThatMayBeWritten(t *testing.T) {
	handler := regexp.MustCompile(`slog\.New(?:Text|JSON)Handler\(&?([\w.]+)`)
	found := false
	sources(t, func(_, path string) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		raw, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range handler.FindAllStringSubmatch(string(raw), -1) {
			found = true
			unlocked := regexp.MustCompile(`\b` + regexp.QuoteMeta(m[1]) + `\s+(?:bytes\.Buffer|strings\.Builder)`)
			if unlocked.Match(raw) {
				t.Errorf("%s: the log %s may be read while it is written: use internal/logtest", path, m[1])
			}
		}
	})
	if !found {
		t.Error("no test keeps a log")
	}
}
