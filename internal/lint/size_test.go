package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// Budgets that keep one concept to a file and one thought to a function.
const (
	maxFileLines     = 350
	maxFunctionLines = 60
)

// vague are names that say nothing about what lives behind them.
var vague = []string{"util", "utils", "common", "helper", "helpers", "manager", "impl", "misc"}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	sources(t, func(dir, file string) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if ast.IsGenerated(parsed) {
			return
		}
		if lines := set.Position(parsed.FileEnd).Line; lines > maxFileLines {
			t.Errorf("%s has %d lines, the budget is %d: which two concepts does it hold?", file, lines, maxFileLines)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			from, to := set.Position(f.Pos()).Line, set.Position(f.End()).Line
			if to-from+1 > maxFunctionLines {
				t.Errorf("%s:%d: %s has %d lines, the budget is %d", file, from, f.Name.Name, to-from+1, maxFunctionLines)
			}
		}
		if name := path.Base(dir); slices.Contains(vague, name) || slices.Contains(vague, parsed.Name.Name) {
			t.Errorf("%s: %q says nothing about what the package is for", file, name)
		}
	})
}
