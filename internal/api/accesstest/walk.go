package accesstest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

// Route says who may call a route.
type Route struct {
	Access httpapi.Access
	// Body is that of a request which is served.
	Body string
	// Below is a path below the route's own that is asked for; "" is none.
	Below string
	// Unwalked names a route that is not asked for.
	Unwalked bool
	// Slow is not asked for with a credential that lets it run: it takes seconds, or wants
	// gRPC.
	Slow bool
}

// ClientRoutes are the routes of the listener of clients. A path below /page/ has a hash in
// it, which is left out here.
func ClientRoutes() map[string]Route {
	const chat = `"messages":[{"role":"user","content":"x"}]`
	return map[string]Route{
		"POST /v1/chat/completions": {Body: `{` + chat + `}`}, "POST /v1/completions": {Body: `{"prompt":"x"}`},
		"POST /tokenize": {Body: `{"prompt":"x"}`}, "POST /detokenize": {Body: `{"tokens":[5]}`},
		"GET /v1/models": {}, "GET /v1/models/": {Below: "org/m"},
		"POST /v1/responses": {Body: `{"input":"x"}`}, "POST /v1/responses/input_tokens": {Body: `{"input":"x"}`},
		"GET /v1/responses/": {}, "POST /v1/responses/": {}, "DELETE /v1/responses/": {},
		"POST /v1/messages": {Body: `{"max_tokens":3,` + chat + `}`}, "POST /v1/messages/count_tokens": {Body: `{` + chat + `}`},
		"GET /metrics": {Access: httpapi.AdminAccess},
		"GET /healthz": {Access: httpapi.OpenAccess}, "GET /readyz": {Access: httpapi.OpenAccess},
		"GET /": {Access: httpapi.OpenAccess, Unwalked: true}, "GET /page/": {Access: httpapi.OpenAccess, Unwalked: true},
	}
}

// AdminRoutes are the routes of the admin API of a router or a gateway.
func AdminRoutes() map[string]Route {
	return map[string]Route{
		"GET /metrics":     {Access: httpapi.AdminAccess},
		"GET /debug/pprof": {Access: httpapi.AdminAccess}, "GET /debug/pprof/": {Access: httpapi.AdminAccess, Below: "goroutine"},
		"GET /debug/pprof/cmdline": {Access: httpapi.AdminAccess}, "GET /debug/pprof/symbol": {Access: httpapi.AdminAccess},
		"GET /debug/pprof/profile": {Access: httpapi.AdminAccess, Slow: true}, "GET /debug/pprof/trace": {Access: httpapi.AdminAccess, Slow: true},
		"POST /grpc.channelz.v1.Channelz/":           {Access: httpapi.AdminAccess, Below: "GetServers", Slow: true},
		"POST /grpc.reflection.v1.ServerReflection/": {Access: httpapi.AdminAccess, Below: "ServerReflectionInfo", Slow: true},
		"GET /healthz": {Access: httpapi.OpenAccess}, "GET /readyz": {Access: httpapi.OpenAccess},
	}
}

// ConsoleRoutes lead to the console, which asks for keys by itself: its own tests walk its
// table.
func ConsoleRoutes() map[string]Route {
	routes := map[string]Route{}
	for _, route := range []string{"GET /", "GET /console", "POST /console", "GET /console/", "POST /console/"} {
		routes[route] = Route{Access: httpapi.OpenAccess, Unwalked: true}
	}
	return routes
}

// Routes are the routes of API tables, as ClientRoutes names them, and who may call each.
func Routes(tables []httpapi.API) map[string]httpapi.Access {
	routes := map[string]httpapi.Access{}
	for _, table := range tables {
		for path, methods := range table.Routes {
			for method := range methods {
				routes[method+" "+path] = table.Access
			}
		}
	}
	return routes
}

// spellings are ways to write a path. Those that lead to no route have the right key
// end in 404.
var spellings = map[string]func(path string) string{
	"plain":             func(p string) string { return p },
	"encoded":           func(p string) string { return p[:1] + fmt.Sprintf("%%%02x", p[1]) + p[2:] },
	"encoded slash":     func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", "%2f") },
	"doubled slash":     func(p string) string { return "/" + strings.ReplaceAll(p, "/", "//") },
	"slash at the end":  func(p string) string { return p + "/" },
	"dot":               func(p string) string { return "/." + p },
	"dot segments":      func(p string) string { return "/healthz/.." + p },
	"encoded dots":      func(p string) string { return "/healthz/%2e%2e" + p },
	"below an open one": func(p string) string { return "/healthz" + p },
	"upper case":        strings.ToUpper,
	"parameter":         func(p string) string { return p + ";/healthz" },
	"query":             func(p string) string { return p + "?/healthz" },
	"encoded query":     func(p string) string { return p + "%3f/healthz" },
	"encoded NUL":       func(p string) string { return p + "%00/healthz" },
	"absolute":          func(p string) string { return "http://127.0.0.1" + p },
	"absolute healthz":  func(p string) string { return "http://healthz" + p },
	"without a slash":   func(p string) string { return p[1:] },
	"backslash":         func(p string) string { return "/healthz\\.." + p },
}

// Walk asks for every route by every spelling of its path, with every credential, over
// HTTP/1.1 and HTTP/2. The routes are those of the server, and listed says who may call
// each.
func Walk(t *testing.T, s Server, routes map[string]httpapi.Access, listed map[string]Route, by []Credential) {
	t.Helper()
	seen := map[string]bool{}
	for route, access := range routes {
		method, path, _ := strings.Cut(route, " ")
		name := route
		if strings.HasPrefix(path, "/page/") {
			name = method + " /page/"
		}
		seen[name] = true
		r, ok := listed[name]
		if !ok || access != r.Access {
			t.Errorf("the route %s has access %d, and the list says %d, %v: say there who may call it", route, access, r.Access, ok)
			continue
		}
		if !r.Unwalked {
			refused := slices.DeleteFunc(slices.Clone(by), func(c Credential) bool { return r.Slow && c.Gives == access })
			s.walk(t, request{method: method, path: path + r.Below, body: r.Body}, access, refused)
		}
	}
	for route := range listed {
		if !seen[route] {
			t.Errorf("the list has %s, and the server has not", route)
		}
	}
}

// walk asks for a route.
func (s Server) walk(t *testing.T, r request, access httpapi.Access, by []Credential) {
	t.Helper()
	for _, c := range by {
		for _, other := range []string{"OPTIONS", "HEAD", "PATCH"} { // which no API lists
			a := askHTTP2(t, s, r.with(c, other, r.path))
			if access == httpapi.ClientAccess && a.passed() != (c.Gives == access) {
				t.Errorf("%s %s with the credential %s: %d", other, r.path, c.Name, a.Status)
			}
		}
		for spelling, spell := range spellings {
			if !s.spells(spelling) {
				continue
			}
			for protocol, ask := range protocols {
				before := s.Ran()
				a := ask(t, s, r.with(c, r.method, spell(r.path)))
				ran := s.Ran() > before
				if why := a.judge(ran, spelling == "plain", c.Gives, access); why != "" {
					t.Errorf("%s %s (%s) with the credential %s over %s: %d, ran %v: %s", r.method, spell(r.path), spelling, c.Name, protocol, a.Status, ran, why)
				}
			}
		}
	}
}

// with is the request with a credential, another method and another path.
func (r request) with(c Credential, method, path string) request {
	r.method, r.path, r.header = method, path, slices.Clone(r.header)
	if c.Header != "" {
		r.header = append(r.header, [2]string{c.Header, c.Value})
	}
	return r
}

// passed reports whether the request came past the gate. A malformed one is refused
// by net/http, in plain text.
func (a Answer) passed() bool {
	switch a.Status {
	case 0, http.StatusUnauthorized, http.StatusForbidden:
		return false
	case http.StatusBadRequest:
		return a.Header.Get("Content-Type") == "application/json"
	}
	return true
}

// judge says what is wrong with an answer to a request with a credential.
func (a Answer) judge(ran, plain bool, gives, access httpapi.Access) string {
	found := a.Status != http.StatusNotFound && a.Status != http.StatusMethodNotAllowed
	switch {
	case gives == NoAnswer:
		if a.Status >= 100 && a.Status != http.StatusBadRequest || ran { // net/http answers plaintext at a listener of TLS
			return "the caller is answered"
		}
	case access == httpapi.OpenAccess && plain && a.Status != 200:
		return "the route is open"
	case a.Status == http.StatusUnauthorized && a.Header.Get("Www-Authenticate") == "":
		return "no WWW-Authenticate"
	case access == httpapi.OpenAccess:
		return "" // other spellings lead to unknown URLs, or to the same
	case gives == nothing && access == httpapi.ClientAccess && a.passed(), gives != access && (a.passed() && found || ran):
		return "the key is not right"
	case gives == access && plain && !a.passed():
		return "the key is right"
	}
	return ""
}
