package openai

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// routes are handlers by path and method. A path that ends in a slash has
// everything below it. http.ServeMux would answer an unknown method with plain
// text and an unclean path with a redirect.
type routes map[string]map[string]http.HandlerFunc

// ServeHTTP implements http.Handler.
func (t routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	methods := t.find(r.URL.Path)
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet // net/http sends no body
	}
	switch handle := methods[method]; {
	case handle != nil:
		handle(w, r)
	case methods == nil:
		fail(w, newError(http.StatusNotFound, typeInvalid, "", codeURL, "unknown URL: "+r.Method+" "+r.URL.Path))
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", allowed(methods))
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", allowed(methods))
		fail(w, newError(http.StatusMethodNotAllowed, typeInvalid, "", codeMethod,
			fmt.Sprintf("%s is not allowed on %s, expected %s", r.Method, r.URL.Path, allowed(methods))))
	}
}

// find looks a path up, then the longest path with a slash above it.
func (t routes) find(path string) map[string]http.HandlerFunc {
	if methods, ok := t[path]; ok && !strings.HasSuffix(path, "/") {
		return methods
	}
	for at := strings.LastIndexByte(path, '/'); at > 0; at = strings.LastIndexByte(path[:at], '/') {
		if methods, ok := t[path[:at+1]]; ok && len(path) > at+1 {
			return methods
		}
	}
	return nil
}

func allowed(methods map[string]http.HandlerFunc) string {
	names := slices.Collect(maps.Keys(methods))
	if methods[http.MethodGet] != nil {
		names = append(names, http.MethodHead)
	}
	names = append(names, http.MethodOptions)
	slices.Sort(names)
	return strings.Join(names, ", ")
}
