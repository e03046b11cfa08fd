package lint

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func readDoc(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

var (
	// A single letter is a *testing.T, unless it is l.
	warning = regexp.MustCompile(`(?:(?:\w\w|\bl)\.(?:Warn|Error)(?:Context)?\(|slog\.Level(?:Warn|Error), )(?:ctx, )?"([^"]+)"`)
	reason  = regexp.MustCompile(`\.note\("([^"]+)"`)
	verb    = regexp.MustCompile(`%[a-z]`)
)

// TestOperationsExplainWhatIsSaid: who reads a warning, or why a cluster is
// degraded, finds in docs/operations.md what it means.
func TestOperationsExplainWhatIsSaid(t *testing.T) {
	doc := readDoc(t, "operations.md")
	found := 0
	sources(t, func(_, path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range append(warning.FindAllStringSubmatch(string(raw), -1), reason.FindAllStringSubmatch(string(raw), -1)...) {
			found++
			for _, fixed := range verb.Split(m[1], -1) {
				if fixed = strings.Trim(fixed, " :,"); len(fixed) > len("of") && !strings.Contains(doc, fixed) {
					t.Errorf("%s says %q, docs/operations.md does not explain it", path, m[1])
				}
			}
		}
	})
	if found < 30 {
		t.Errorf("%d messages", found)
	}
}

// TestDocsNameRealTests: a promise or a rule is shown by a test that exists.
func TestDocsNameRealTests(t *testing.T) {
	tests := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(raw), -1) {
			tests[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for doc, minNamed := range map[string]int{"guarantees.md": 20, "numerics.md": 6, "cases.md": 60} {
		named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(readDoc(t, doc), -1)
		for _, m := range named {
			if !tests[m[1]] {
				t.Errorf("docs/%s names %s, which does not exist", doc, m[1])
			}
		}
		if len(named) < minNamed {
			t.Errorf("docs/%s names %d tests", doc, len(named))
		}
	}
}

var quoted = regexp.MustCompile("`([^`]+)`")

// TestTreeTableNamesFolders: the table of the README is the tree.
func TestTreeTableNamesFolders(t *testing.T) {
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(raw), "| folder | what lives there |")
	table, _, _ = strings.Cut(table, "\n\n")
	var named []string
	for _, row := range strings.Split(table, "\n") {
		cells := strings.Split(row, "|")
		if len(cells) < 3 {
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[1], -1) {
			named = append(named, m[1])
			if info, err := os.Stat(filepath.Join("../..", m[1])); err != nil || !info.IsDir() {
				t.Errorf("README.md: %s is no folder", m[1])
			}
		}
	}
	sources(t, func(dir, path string) {
		under := func(folder string) bool { return dir == folder || strings.HasPrefix(dir, folder+"/") }
		small := []string{"internal/lint", "internal/browsertest", "internal/leaktest", "internal/logtest", "internal/poll", "internal/strictjson", "internal/moepb", "internal/eventually", "internal/freeport", "test"}
		if !slices.ContainsFunc(append(small, named...), under) {
			t.Errorf("README.md: the table of the tree has no row for %s", dir)
		}
	})
}
