package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
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

// post serves a request whose body has some members.
func (w walker) post(path, members string) *httptest.ResponseRecorder {
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, httptest.NewRequest("POST", path, strings.NewReader("{"+members+"}")))
	return out
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
