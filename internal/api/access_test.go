package api

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// accesses say who may call each route. A path below /page/ has a hash in it, which is
// left out here.
var accesses = map[string]httpapi.Access{
	"POST /v1/chat/completions": httpapi.ClientAccess, "POST /v1/completions": httpapi.ClientAccess,
	"POST /tokenize": httpapi.ClientAccess, "POST /detokenize": httpapi.ClientAccess,
	"GET /v1/models": httpapi.ClientAccess, "GET /v1/models/": httpapi.ClientAccess,
	"POST /v1/responses": httpapi.ClientAccess, "POST /v1/responses/input_tokens": httpapi.ClientAccess,
	"GET /v1/responses/": httpapi.ClientAccess, "POST /v1/responses/": httpapi.ClientAccess, "DELETE /v1/responses/": httpapi.ClientAccess,
	"POST /v1/messages": httpapi.ClientAccess, "POST /v1/messages/count_tokens": httpapi.ClientAccess,
	"GET /metrics": httpapi.AdminAccess,
	"GET /healthz": httpapi.OpenAccess, "GET /readyz": httpapi.OpenAccess, "GET /": httpapi.OpenAccess, "GET /page/": httpapi.OpenAccess,
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

// credentials are what a request may carry, and the access that each gives; -1 is
// none.
var credentials = map[string]struct {
	header, value string
	gives         httpapi.Access
}{
	"none":                  {"", "", -1},
	"wrong":                 {"Authorization", "Bearer hachi_WRONG", -1},
	"rotated away":          {"Authorization", "Bearer OLD", -1},
	"expired":               {"x-api-key", "EXPIRED", -1},
	"of another scheme":     {"Authorization", "Basic Q0xJRU5U", -1},
	"in a cookie":           {"Cookie", "authorization=CLIENT; x-api-key=CLIENT", -1},
	"two":                   {"Authorization", "Bearer CLIENT, Bearer CLIENT", -1},
	"the hash":              {"Authorization", "Bearer " + keys.HashOf("CLIENT").String(), -1},
	"right":                 {"Authorization", "Bearer CLIENT", httpapi.ClientAccess},
	"right, as Anthropic's": {"X-Api-Key", "CLIENT", httpapi.ClientAccess},
	"an admin's":            {"Authorization", "Bearer ADMIN", httpapi.AdminAccess},
}

// guardedServer serves every route behind keys.
func guardedServer(t *testing.T) (b *apitest.Bench, addr string, routes map[string]httpapi.Access) {
	t.Helper()
	b = apitest.New(t, chat.KarakuriTemplate, apitest.Say("{}"))
	entry := func(name, key string) keys.Entry {
		return keys.Entry{Name: name, SHA256: keys.Hashes{keys.HashOf(key)}}
	}
	expired := entry("expired", "EXPIRED")
	expired.Expires = time.Now().Add(-time.Minute)
	clients := keys.NewGuard([]keys.Entry{entry("client", "OLD"), expired})
	clients.Replace([]keys.Entry{entry("client", "CLIENT"), expired})
	b.Config.Gate = &keys.Gate{Clients: clients, Admins: keys.NewGuard([]keys.Entry{entry("admin", "ADMIN")})}
	c := Config{Config: b.Config, Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics") })}
	ready := func() bool { return true }
	server := httptest.NewUnstartedServer(Handler(c, ready))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	routes = map[string]httpapi.Access{}
	for _, a := range apis(c, ready) {
		for path, methods := range a.Routes {
			for method := range methods {
				routes[method+" "+path] = a.Access
			}
		}
	}
	return b, server.Listener.Addr().String(), routes
}

// TestOnlyTheRightKeyPasses walks every route of the mux by every spelling of its
// path, with every credential, over HTTP/1.1 and HTTP/2.
func TestOnlyTheRightKeyPasses(t *testing.T) {
	b, addr, routes := guardedServer(t)
	unseen := map[string]bool{}
	for route := range accesses {
		unseen[route] = true
	}
	for route, access := range routes {
		method, path, _ := strings.Cut(route, " ")
		listed := route
		if strings.HasPrefix(path, "/page/") {
			listed = method + " /page/"
		}
		want, ok := accesses[listed]
		if delete(unseen, listed); !ok || access != want {
			t.Errorf("the route %s has access %d, and the list says %d, %v: say in accesses who may call it", route, access, want, ok)
			continue
		}
		if path == "/v1/models/" {
			path += "org/m" // a path below
		}
		if listed == "GET /page/" || path == "/" {
			continue // TestThePageNeedsNoKey
		}
		for _, other := range []string{"OPTIONS", "HEAD", "PATCH"} { // which no API lists
			for name, c := range credentials {
				if a := askHTTP2(t, addr, other, path, "", c.header, c.value); access == httpapi.ClientAccess && a.passed() != (c.gives == access) {
					t.Errorf("%s %s with the credential %s: %d", other, path, name, a.status)
				}
			}
		}
		for spelling, spell := range spellings {
			for name, c := range credentials {
				for protocol, ask := range protocols {
					before := len(b.Engine.Calls())
					a := ask(t, addr, method, spell(path), requestTo(path), c.header, c.value)
					ran := len(b.Engine.Calls()) > before
					if why := judge(a, ran, spelling == "plain", c.gives, access); why != "" {
						t.Errorf("%s %s (%s) with the credential %s over %s: %d, ran %v: %s", method, spell(path), spelling, name, protocol, a.status, ran, why)
					}
				}
			}
		}
	}
	for route := range unseen {
		t.Errorf("the list has %s, and the mux has not", route)
	}
}

// answered is what a server answered; status 0 is no answer but the end of the
// stream.
type answered struct {
	status int
	header http.Header
}

// passed reports whether the request came past the gate. A malformed one is refused
// by net/http, in plain text.
func (a answered) passed() bool {
	switch a.status {
	case 0, http.StatusUnauthorized, http.StatusForbidden:
		return false
	case http.StatusBadRequest:
		return a.header.Get("Content-Type") == "application/json"
	}
	return true
}

// judge says what is wrong with an answer to a request with a credential.
func judge(a answered, ran, plain bool, gives, access httpapi.Access) string {
	found := a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed
	switch {
	case access == httpapi.OpenAccess && plain && a.status != 200:
		return "the route is open"
	case a.status == http.StatusUnauthorized && a.header.Get("Www-Authenticate") == "":
		return "no WWW-Authenticate"
	case access == httpapi.OpenAccess:
		return "" // other spellings lead to unknown URLs, or to the same
	case gives == -1 && (a.passed() || ran), gives != access && (a.passed() && found || ran):
		return "the key is not right"
	case gives == access && plain && !a.passed():
		return "the key is right"
	}
	return ""
}

// protocols send a path as it is written. Headers are names and values.
var protocols = map[string]func(t *testing.T, addr, method, path, body string, header ...string) answered{"HTTP/1.1": askHTTP1, "HTTP/2": askHTTP2}

// TestThePageNeedsNoKey: a browser cannot send one when it opens a page, and the
// files of the page say nothing that the program does not.
func TestThePageNeedsNoKey(t *testing.T) {
	_, addr, routes := guardedServer(t)
	n := 0
	for route := range routes {
		method, path, _ := strings.Cut(route, " ")
		if path != "/" && !strings.HasPrefix(path, "/page/") {
			continue
		}
		n++
		if a := askHTTP1(t, addr, method, path, ""); a.status != 200 {
			t.Errorf("%s: %d", route, a.status)
		}
		for _, below := range []string{"x", "..", "../v1/models", "%2e%2e/v1/models"} {
			if a := askHTTP1(t, addr, method, path+"/"+below, ""); a.status != 401 {
				t.Errorf("%s/%s: %d", route, below, a.status)
			}
		}
	}
	if n < 5 {
		t.Errorf("%d files", n)
	}
}

// TestRefusalsHaveTheShapeOfTheirAPI.
func TestRefusalsHaveTheShapeOfTheirAPI(t *testing.T) {
	b := apitest.New(t, chat.KarakuriTemplate, apitest.Say("{}"))
	limited := keys.Entry{Name: "a", SHA256: keys.Hashes{keys.HashOf("KEY")}, Limits: keys.Limits{RequestsPerMinute: 2, TokensPerDay: 1000}}
	spent := keys.Entry{Name: "b", SHA256: keys.Hashes{keys.HashOf("SPENT")}, Limits: keys.Limits{TokensPerDay: 1}}
	for _, tt := range []struct {
		path, key, body string
		status          int
		retry           string
		wants           []string
	}{
		{"/v1/chat/completions", "", "{}", 401, "", []string{`"type":"invalid_request_error"`, `"code":"invalid_api_key"`}},
		{"/v1/responses", "no", "{}", 401, "", []string{`"type":"invalid_request_error"`, `"code":"invalid_api_key"`}},
		{"/v1/messages", "no", "{}", 401, "", []string{`"type":"error"`, `"type":"authentication_error"`}},
		{"/v1/nothing", "no", "{}", 401, "", []string{`"code":"invalid_api_key"`}},
		{"/v1/chat/completions", "KEY", `{"messages":[{"role":"user","content":"x"}],"priority":-1}`, 403, "", []string{`"param":"priority"`, `"code":"permission_denied"`}},
		{"/v1/messages", "KEY", `{"messages":[{"role":"user","content":"x"}],"max_tokens":3,"priority":-1}`, 403, "", []string{`"type":"permission_error"`}},
		{"/v1/chat/completions", "KEY", `{}`, 429, "30", []string{`"type":"rate_limit_error"`, `"code":"rate_limit_exceeded"`}},
		{"/v1/messages", "KEY", `{}`, 429, "30", []string{`"type":"rate_limit_error"`}},
		{"/v1/chat/completions", "SPENT", `{"messages":[{"role":"user","content":"x"}]}`, 200, "", nil},
		{"/v1/chat/completions", "SPENT", `{"messages":[{"role":"user","content":"x"}]}`, 429, "any", []string{`"code":"insufficient_quota"`}},
	} {
		if b.Config.Gate == nil {
			b.Config.Gate = &keys.Gate{Clients: keys.NewGuard([]keys.Entry{limited, spent})}
		}
		r := httptest.NewRequest("POST", tt.path, strings.NewReader(tt.body))
		if tt.key != "" {
			r.Header.Set("Authorization", "Bearer "+tt.key)
		}
		w := httptest.NewRecorder()
		Handler(Config{Config: b.Config}, func() bool { return true }).ServeHTTP(w, r)
		seconds, err := strconv.Atoi(w.Header().Get("Retry-After"))
		if w.Code != tt.status || tt.retry != "any" && w.Header().Get("Retry-After") != tt.retry || tt.retry == "any" && (err != nil || seconds < 1) {
			t.Errorf("%s with %q: %d, Retry-After %q, want %d, %q: %s", tt.path, tt.key, w.Code, w.Header().Get("Retry-After"), tt.status, tt.retry, w.Body)
		}
		for _, want := range tt.wants {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s with %q has no %s: %s", tt.path, tt.key, want, w.Body)
			}
		}
	}
}

// TestClientsShareNoPrefixCache: the engine gets another salt for each client, so the
// time to the first token says nothing of what another has sent.
func TestClientsShareNoPrefixCache(t *testing.T) {
	for _, shared := range []bool{false, true} {
		b := apitest.New(t, chat.KarakuriTemplate, apitest.Say("{}"))
		b.Config.Gate = &keys.Gate{SharedCache: shared, Clients: keys.NewGuard([]keys.Entry{
			{Name: "a", SHA256: keys.Hashes{keys.HashOf("A")}}, {Name: "b", SHA256: keys.Hashes{keys.HashOf("B")}},
		})}
		for _, path := range slices.Sorted(maps.Keys(requests)) {
			if strings.HasSuffix(path, "tokenize") || strings.HasSuffix(path, "_tokens") { // the engine is not asked
				continue
			}
			salts := map[string]uint64{}
			for _, key := range []string{"A", "B"} {
				for _, own := range []string{"s", "t"} {
					r := httptest.NewRequest("POST", path, strings.NewReader(strings.Replace(requestTo(path), `"cache_salt":"s"`, `"cache_salt":"`+own+`"`, 1)))
					r.Header.Set("x-api-key", key)
					w := httptest.NewRecorder()
					Handler(Config{Config: b.Config}, func() bool { return true }).ServeHTTP(w, r)
					calls := b.Engine.Calls()
					if w.Code != 200 {
						t.Fatalf("%s: %d %s", path, w.Code, w.Body)
					}
					salts[key+own] = calls[len(calls)-1].Request.CacheSalt
				}
			}
			if same := salts["As"] == salts["Bs"]; same != shared || salts["As"] == salts["At"] || salts["As"] == 0 {
				t.Errorf("%s, shared %v: salts %v", path, shared, salts)
			}
		}
	}
}

// askHTTP1 asks over HTTP/1.1.
func askHTTP1(t *testing.T, addr, method, path, body string, header ...string) answered {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var raw bytes.Buffer
	fmt.Fprintf(&raw, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n", method, path, addr, len(body))
	for i := 0; i < len(header); i += 2 {
		if header[i] != "" {
			fmt.Fprintf(&raw, "%s: %s\r\n", header[i], header[i+1])
		}
	}
	fmt.Fprintf(&raw, "\r\n%s", body)
	if _, err := conn.Write(raw.Bytes()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return answered{resp.StatusCode, resp.Header}
}

// askHTTP2 asks by frames of HTTP/2.
func askHTTP2(t *testing.T, addr, method, path, body string, header ...string) answered {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var block bytes.Buffer
	out := hpack.NewEncoder(&block)
	field := func(name, value string) {
		_ = out.WriteField(hpack.HeaderField{Name: strings.ToLower(name), Value: value})
	}
	field(":method", method)
	field(":scheme", "http")
	field(":authority", addr)
	field(":path", path)
	for i := 0; i < len(header); i += 2 {
		if header[i] != "" {
			field(header[i], header[i+1])
		}
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings()
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
	_ = framer.WriteData(1, true, []byte(body))
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return answered{}
		}
		switch f := frame.(type) {
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return answered{}
		case *http2.MetaHeadersFrame:
			h := http.Header{}
			for _, field := range f.RegularFields() {
				h.Add(field.Name, field.Value)
			}
			status, err := strconv.Atoi(f.PseudoValue("status"))
			if err != nil {
				t.Fatal(err)
			}
			return answered{status, h}
		}
	}
}
