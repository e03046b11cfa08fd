package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// everyKind has values of every kind of JSON.
var everyKind = []any{nil, false, true, 7.0, "zeta", []any{"zeta"}, map[string]any{"zeta": 7.0}}

// kindOf is the kind of a value of JSON.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "list"
	}
	return "object"
}

// request is one of requests, decoded.
type request struct {
	path string
	body map[string]any
}

func allRequests(t *testing.T) []request {
	var all []request
	for _, path := range slices.Sorted(maps.Keys(requests)) {
		for _, raw := range requests[path] {
			r := request{path: path}
			if err := json.Unmarshal([]byte(raw), &r.body); err != nil {
				t.Fatal(path, err)
			}
			all = append(all, r)
		}
	}
	return all
}

// requestTo is the first of requests to a path; "" is none.
func requestTo(path string) string {
	for _, raw := range requests[path] {
		return raw
	}
	return ""
}

// object is an object in a request.
type object struct {
	path    string
	members map[string]any
}

// place is a member of an object, or an element of a list.
type place struct {
	path string
	old  any
	set  func(v any)
}

// take returns the objects and the places in a value at a path, without the members
// of opaque objects.
func take(path string, v any) (objects []object, places []place) {
	add := func(at string, old any, set func(any)) {
		places = append(places, place{at, old, set})
		if !slices.ContainsFunc(opaque, func(end string) bool { return strings.HasSuffix(at, end) }) {
			o, p := take(at, old)
			objects, places = append(objects, o...), append(places, p...)
		}
	}
	switch v := v.(type) {
	case map[string]any:
		objects = append(objects, object{path, v})
		for _, key := range slices.Sorted(maps.Keys(v)) {
			add(member(path, key), v[key], func(value any) { v[key] = value })
		}
	case []any:
		for i, one := range v {
			add(fmt.Sprintf("%s[%d]", path, i), one, func(value any) { v[i] = value })
		}
	}
	return objects, places
}

func member(path, key string) string { return strings.TrimPrefix(path+"."+key, ".") }

var number = regexp.MustCompile(`\[\d+\]`)

// pattern is a path without the numbers of elements.
func pattern(path string) string { return number.ReplaceAllString(path, "[*]") }

// walker serves requests that differ in one place.
type walker struct {
	*testing.T
	handler http.Handler
}

func newWalker(t *testing.T) walker {
	b := apitest.New(t, chat.KarakuriTemplate, apitest.Say("{}"))
	return walker{t, Handler(Config{Config: b.Config}, func() bool { return true })}
}

func (w walker) serve(r request) *httptest.ResponseRecorder {
	body, err := json.Marshal(r.body)
	if err != nil {
		w.Fatal(err)
	}
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, httptest.NewRequest("POST", r.path, strings.NewReader(string(body))))
	if out.Code != 200 && (out.Code < 400 || out.Code >= 500) || strings.Contains(out.Body.String(), `"error":{`) && out.Code == 200 {
		w.Fatalf("%s %s: %d %s", r.path, body, out.Code, out.Body)
	}
	return out
}

// refusal matches the path with which the message of an error begins.
var refusal = regexp.MustCompile(`"message":"([^ :"]+)`)

// named reports whether an answer says of a place that it was ignored or refused, by
// its path, or by the path of something around or inside it.
func named(w *httptest.ResponseRecorder, path string) bool {
	paths := w.Header().Values(httpapi.IgnoredHeader)
	if found := refusal.FindStringSubmatch(w.Body.String()); w.Code != 200 && found != nil {
		paths = found[1:]
	}
	return slices.ContainsFunc(paths, func(other string) bool { return within(other, path) || within(path, other) })
}

// within reports whether a path is that of a member or of something inside it.
func within(path, member string) bool {
	rest, ok := strings.CutPrefix(path, member)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// takes reports whether a route may take a value at a place and say nothing.
func takes(route, path string, old, v any) bool {
	kind := kindOf(v)
	return kind == "null" || kind == kindOf(old) || slices.Contains(alternatives[pattern(path)], kind) || describes(route, path)
}

// describes reports whether a place is one of described.
func describes(route, path string) bool {
	for of, places := range described {
		if strings.HasPrefix(route, of) && slices.Contains(places, pattern(path)) {
			return true
		}
	}
	return false
}

// TestEveryValueIsTakenOrNamedOrRefused puts values of every kind in every place of
// every request. One of a kind that the place does not have must be named in the
// answer's header, or in an error.
func TestEveryValueIsTakenOrNamedOrRefused(t *testing.T) {
	w := newWalker(t)
	for _, r := range allRequests(t) {
		if out := w.serve(r); out.Code != 200 || len(out.Header().Values(httpapi.IgnoredHeader)) > 0 {
			t.Errorf("%s %v: %d %v %s", r.path, r.body, out.Code, out.Header(), out.Body)
			continue
		}
		_, places := take("", any(r.body))
		for _, p := range places {
			for _, v := range everyKind {
				p.set(v)
				out := w.serve(r)
				if !named(out, p.path) && !takes(r.path, p.path, p.old, v) {
					t.Errorf("%s: %s %v: %d %v %.300s", r.path, p.path, v, out.Code, out.Header().Values(httpapi.IgnoredHeader), out.Body)
				}
			}
			p.set(p.old)
		}
	}
}

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
