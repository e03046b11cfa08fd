package lint

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// written are the endings of files that people write and read.
var written = []string{".go", ".md", ".proto", ".yaml", ".yml", ".sh", ".py", ".mjs", ".js", ".css", ".html", "Makefile", "Dockerfile"}

var generated = regexp.MustCompile(`(?m)^(//|#) Code generated .*DO NOT EDIT`)

// texts calls f for every file of the tree that we write: code, docs, tests,
// manifests and scripts, but neither generated files nor goldens.
func texts(t *testing.T, f func(name, text string)) {
	t.Helper()
	const root = "../.."
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if file != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"bin", "testdata", "node_modules", "thirdparty"}, d.Name())) {
				return fs.SkipDir
			}
			return nil
		}
		if !slices.ContainsFunc(written, func(end string) bool { return strings.HasSuffix(file, end) }) {
			return nil
		}
		raw, err := os.ReadFile(file)
		if err != nil || generated.Match(raw[:min(len(raw), 1000)]) {
			return err
		}
		name, err := filepath.Rel(root, file)
		f(path.Clean(filepath.ToSlash(name)), string(raw))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var mergeMark = regexp.MustCompile(`(?m)^(<<<<<<<|>>>>>>>) .*$`)

// TestNoMergeMarkIsLeft: outside of code no compiler finds one.
func TestNoMergeMarkIsLeft(t *testing.T) {
	texts(t, func(name, text string) {
		if mark := mergeMark.FindString(text); mark != "" {
			t.Errorf("%s: %s", name, mark)
		}
	})
}
