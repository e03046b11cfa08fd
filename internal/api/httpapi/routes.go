package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Methods are the handlers of a path by method. A handler of GET answers HEAD.
type Methods map[string]http.HandlerFunc

// API is one HTTP API.
type API struct {
	// Shape is that of its errors.
	Shape Shape
	// Routes are handlers by path. A path that ends in a slash has everything
	// below it.
	Routes map[string]Methods
	// Access says who may call the routes.
	Access Access
}

// Handler serves several APIs. An unknown URL is an error of the first. It logs
// one line for each request.
func Handler(c Config, apis ...API) http.Handler {
	t := table{}
	for _, a := range apis {
		for path, methods := range a.Routes {
			t[path] = route{methods, a.Shape, a.Access}
		}
	}
	return record(c.Log(), apis[0].Shape, refuseForeignPages(c, allowOrigins(c.Origins, guarded{t, c.Gate, c.IsAdmin})))
}

// route is where a path leads.
type route struct {
	methods Methods
	shape   Shape // nil is that of an unknown URL
	access  Access
}

// table has the routes by path. http.ServeMux would answer an unknown method with
// plain text and an unclean path with a redirect.
type table map[string]route

// serve answers a request for a route of the table.
func (t table) serve(w http.ResponseWriter, r *http.Request, to route) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet // net/http sends no body
	}
	switch handle := to.methods[method]; {
	case handle != nil:
		handle(w, r)
	case to.methods == nil:
		Fail(w, refusal(http.StatusNotFound, CodeURL, "unknown URL: "+r.Method+" "+r.URL.Path+t.wayOut(r.URL.Path)))
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", to.methods.allowed())
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", to.methods.allowed())
		Fail(w, refusal(http.StatusMethodNotAllowed, CodeMethod,
			fmt.Sprintf("%s is not allowed on %s, expected %s", r.Method, r.URL.Path, to.methods.allowed())))
	}
}

// slashes matches what a client makes when it joins a base URL and a path.
var slashes = regexp.MustCompile(`/+`)

// find looks a path up, then the longest path with a slash above it. Repeated
// slashes, and slashes at the end, mean nothing.
func (t table) find(path string) route {
	if path = strings.TrimRight(slashes.ReplaceAllString(path, "/"), "/"); path == "" {
		return t["/"]
	}
	if to, ok := t[path]; ok {
		return to
	}
	for at := strings.LastIndexByte(path, '/'); at > 0; at = strings.LastIndexByte(path[:at], '/') {
		if to, ok := t[path[:at+1]]; ok {
			return to
		}
	}
	return route{}
}

func (m Methods) allowed() string {
	names := slices.Collect(maps.Keys(m))
	if m[http.MethodGet] != nil {
		names = append(names, http.MethodHead)
	}
	names = append(names, http.MethodOptions)
	slices.Sort(names)
	return strings.Join(names, ", ")
}
