//go:build !race

// One goroutine sends thousands of requests, for minutes under the race detector.

package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

// literal matches what may be the name of a key in a source.
var literal = regexp.MustCompile(`"([a-z][a-z0-9_]*)"`)

// literals are all texts of the APIs' sources that may be names of keys.
func literals(t *testing.T) []string {
	sources, err := filepath.Glob("*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{"zeta": true}
	for _, path := range sources {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range literal.FindAllStringSubmatch(string(source), -1) {
			names[found[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// knows returns which of some keys a route knows in an object: it names null of
// others only.
func (w walker) knows(r request, o object, names []string) []string {
	const batch = 20 // that the header names one by one
	var known []string
	for some := range slices.Chunk(names, batch) {
		known = append(known, w.knowsOf(r, o, some)...)
	}
	return known
}

// knowsOf asks about all names at once, and about each half if that is refused: the
// error names one of them.
func (w walker) knowsOf(r request, o object, names []string) []string {
	for _, name := range names {
		o.members[name] = nil
	}
	out := w.serve(r)
	for _, name := range names {
		delete(o.members, name)
	}
	half := len(names) / 2
	switch {
	case out.Code == 200:
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return named(out, member(o.path, name)) })
	case half == 0:
		return nil
	}
	return append(w.knowsOf(r, o, names[:half]), w.knowsOf(r, o, names[half:])...)
}

// harmless reports whether docs/api.md says that a value of an unsupported parameter
// asks for nothing.
func harmless(values map[string][]string, name string, v any) bool {
	raw, _ := json.Marshal(v)
	return slices.Contains(values[name], string(raw))
}

// TestNoOtherKeyIsKnown puts every text of the APIs' sources beside the keys of every
// object. A key that is known, but not part of requests, must be refused whatever its value,
// unless docs/api.md calls that harmless.
func TestNoOtherKeyIsKnown(t *testing.T) {
	if testing.Short() {
		t.Skip("it sends 20000 requests")
	}
	w := newWalker(t)
	names, all, values := literals(t), allRequests(t), harmlessValues(t)
	walked := map[string]bool{} // by route and pattern
	for _, r := range all {
		_, places := take("", any(r.body))
		for _, p := range places {
			walked[r.path+" "+pattern(p.path)] = true
		}
	}
	seen := map[string]bool{} // what is of one kind is walked once
	for _, r := range all {
		objects, _ := take("", any(r.body))
		for _, o := range objects {
			kind := fmt.Sprint(r.path, " ", pattern(o.path), " ", o.members["role"], " ", o.members["type"])
			if seen[kind] {
				continue
			}
			seen[kind] = true
			others := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return walked[r.path+" "+pattern(member(o.path, name))] })
			for _, name := range w.knows(r, o, others) {
				for _, v := range everyKind[1:] {
					if o.members[name] = v; describes(r.path, member(o.path, name)) {
						continue
					}
					if out := w.serve(r); !named(out, member(o.path, name)) && !harmless(values, name, v) {
						t.Errorf("%s: %s %v: %d %v %.300s", r.path, member(o.path, name), v, out.Code, out.Header().Values(httpapi.IgnoredHeader), out.Body)
					}
				}
				delete(o.members, name)
			}
		}
	}
}
