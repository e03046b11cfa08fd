package board

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/metric"
)

var update = flag.Bool("update", false, "write the files that the table yields")

const root = "../../.."

// TestTheFilesAreWhatTheTableYields: the page, the dashboards and the rules of the tree,
// and no other file in their folder.
func TestTheFilesAreWhatTheTableYields(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		on := filepath.Join(root, path)
		if *update {
			if err := os.MkdirAll(filepath.Dir(on), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(on, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(on); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the table yields (%v): go test ./internal/metric/board -update", path, err)
		}
	}
	err = filepath.WalkDir(filepath.Join(root, "deploy/monitoring"), func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		if err == nil && !d.IsDir() && files[filepath.ToSlash(name)] == nil {
			t.Errorf("no table yields %s", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEveryMetricIsShown: in a panel or a rule.
func TestEveryMetricIsShown(t *testing.T) {
	for _, d := range metric.All() {
		if len(usersOf(d)) == 0 {
			t.Errorf("%s is in no panel and no rule", d.Name)
		}
	}
}

// TestEveryAlertHasARunbook: a heading of docs/operations.md, with what to do under it.
func TestEveryAlertHasARunbook(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	headings := map[string]string{}
	for _, part := range regexp.MustCompile(`(?m)^#+ `).Split(string(text), -1) {
		heading, under, _ := strings.Cut(part, "\n")
		headings[strings.ReplaceAll(strings.ToLower(heading), " ", "-")] = strings.TrimSpace(under)
	}
	for _, a := range alerts() {
		if headings[a.anchor()] == "" {
			t.Errorf("%s: docs/operations.md has no heading %q with text under it", a.name, a.name)
		}
	}
}

// TestPanelsHaveUnits: of every renderer.
func TestPanelsHaveUnits(t *testing.T) {
	for _, d := range dashboards() {
		for _, r := range d.rows {
			for _, p := range r.panels {
				if grafanaUnits[p.unit] == "" || persesUnits[p.unit] == "" || p.title == "" || len(p.queries) == 0 {
					t.Errorf("%s: panel %+v", d.id, p)
				}
			}
		}
	}
}
