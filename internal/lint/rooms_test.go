package lint

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// room is the folder that a reader sees first: the first part of a path, or the
// first two under internal.
func room(dir string) string {
	parts := strings.SplitN(dir, "/", 3)
	if parts[0] == "internal" && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

// TestRoomsImportOneWay: Go refuses circles of packages. This test refuses
// circles of rooms, so that the tree can be drawn with all arrows down.
func TestRoomsImportOneWay(t *testing.T) {
	imports := map[string]map[string]bool{}
	sources(t, func(dir, path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		from := room(dir)
		if imports[from] == nil {
			imports[from] = map[string]bool{}
		}
		for _, name := range importsOf(t, path) {
			if to, ours := strings.CutPrefix(name, module); ours && room(to) != from {
				imports[from][room(to)] = true
			}
		}
	})
	// Rooms that import no room that is left go first; a circle never gets its
	// turn.
	for progress := true; progress; {
		progress = false
		for from, to := range imports {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(to)), func(r string) bool { return imports[r] != nil }) {
				delete(imports, from)
				progress = true
			}
		}
	}
	for from, to := range imports {
		t.Errorf("%s is in a circle or above one; it imports %v", from, slices.Sorted(maps.Keys(to)))
	}
}
