package api

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/accesstest"
	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// guardedServer serves every route behind keys.
func guardedServer(t *testing.T) (b *apitest.Bench, s accesstest.Server, routes map[string]httpapi.Access) {
	t.Helper()
	b = apitest.New(t, chat.KarakuriTemplate, apitest.Say("{}"))
	b.Config.Gate = accesstest.Gate()
	c := Config{Config: b.Config, Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics") })}
	ready := func() bool { return true }
	server := httptest.NewUnstartedServer(Handler(c, ready))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	s = accesstest.Server{Addr: server.Listener.Addr().String(), Ran: func() int { return len(b.Engine.Calls()) }}
	return b, s, accesstest.Routes(Tables(c, ready))
}

// TestOnlyTheRightKeyPasses walks every route of the mux by every spelling of its
// path, with every credential, over HTTP/1.1 and HTTP/2.
func TestOnlyTheRightKeyPasses(t *testing.T) {
	_, s, routes := guardedServer(t)
	accesstest.Walk(t, s, routes, accesstest.ClientRoutes(), accesstest.Credentials())
}

// TestThePageNeedsNoKey: a browser cannot send one when it opens a page, and the
// files of the page say nothing that the program does not.
func TestThePageNeedsNoKey(t *testing.T) {
	_, s, routes := guardedServer(t)
	n := 0
	for route := range routes {
		method, path, _ := strings.Cut(route, " ")
		if path != "/" && !strings.HasPrefix(path, "/page/") {
			continue
		}
		n++
		if a := s.Ask(t, method, path, "", accesstest.Credential{}); a.Status != 200 {
			t.Errorf("%s: %d", route, a.Status)
		}
		for _, below := range []string{"x", "..", "../v1/models", "%2e%2e/v1/models"} {
			if a := s.Ask(t, method, path+"/"+below, "", accesstest.Credential{}); a.Status != 401 {
				t.Errorf("%s/%s: %d", route, below, a.Status)
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
