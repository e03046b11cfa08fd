package role

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/api/accesstest"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// limited is a client with a key of its name.
func limited(name string, l keys.Limits) keys.Entry {
	return keys.Entry{Name: name, SHA256: keys.Hashes{keys.HashOf(name)}, Limits: l}
}

// limitedClients has a client for each limit, and two without.
func limitedClients() []keys.Entry {
	return []keys.Entry{
		limited("quick", keys.Limits{RequestsPerMinute: 2}), limited("busy", keys.Limits{Concurrency: 1}), limited("spender", keys.Limits{TokensPerDay: 7}),
		limited("urgent", keys.Limits{MaxPriority: -3}), limited("a", keys.Limits{}), limited("b", keys.Limits{}),
	}
}

// completes asks for a completion as a client, with more members, and returns the status.
func (g *guarded) completes(ctx context.Context, addr, client, members string) int {
	g.Helper()
	return g.posts(ctx, addr, client, strings.NewReader(`{"prompt":"x"`+members+`}`))
}

// posts sends the body of a completion; 0 is no answer.
func (g *guarded) posts(ctx context.Context, addr, client string, body io.Reader) int {
	g.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+addr+"/v1/completions", body)
	if err != nil {
		g.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+client)
	web := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, err := web.Do(r)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// usage is what a process has counted of a client.
func (d door) usage(client string) keys.Usage {
	for _, u := range d.clients.Usage() {
		if u.Client == client {
			return u
		}
	}
	return keys.Usage{}
}

// TestLimitsOfAKeyHoldOnceAtAGateway: the router behind has the same file of keys, and
// counts nothing of what a gateway has let in.
func TestLimitsOfAKeyHoldOnceAtAGateway(t *testing.T) {
	g := newGuarded(t, limitedClients())
	g.engine.Script = func(r engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: []int32{100, 101, 102}, Hold: r.MaxTokens == 7}
	}
	const two = `,"max_tokens":2`
	front := g.gateway.http
	for i, want := range []int{200, 200, 429} {
		if got := g.completes(t.Context(), front, "quick", two); got != want {
			t.Errorf("rate, request %d: %d, expected %d", i, got, want)
		}
	}
	for i, want := range []int{200, 200, 429} { // of 2 tokens of prompt and 2 of answer
		if got := g.completes(t.Context(), front, "spender", two); got != want {
			t.Errorf("budget, request %d: %d, expected %d", i, got, want)
		}
	}
	if u := g.gateway.usage("spender"); u.Requests != 2 || u.PromptTokens != 4 || u.CompletionTokens != 4 || u.Running != 0 {
		t.Errorf("budget: %+v", u)
	}
	for priority, want := range map[int]int{-4: 403, -3: 200, 5: 200} {
		before := len(g.engine.Calls())
		got := g.completes(t.Context(), front, "urgent", fmt.Sprintf(`,"max_tokens":2,"priority":%d`, priority))
		calls := g.engine.Calls()[before:]
		if got != want || (want == 200) != (len(calls) == 1) || len(calls) == 1 && calls[0].Request.Priority != priority {
			t.Errorf("priority %d: %d, %d calls", priority, got, len(calls))
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	running := make(chan struct{})
	go func() {
		defer close(running)
		g.completes(ctx, front, "busy", `,"max_tokens":7`)
	}()
	eventually.True(t, "one runs", func() bool { return g.gateway.usage("busy").Running == 1 })
	if got := g.completes(t.Context(), front, "busy", two); got != 429 {
		t.Errorf("concurrency: %d", got)
	}
	stop()
	<-running
	eventually.True(t, "none runs", func() bool { return g.completes(t.Context(), front, "busy", two) == 200 })
	for _, e := range limitedClients() {
		if u := g.router.usage(e.Name); u.Requests != 0 || len(u.Refused) != 0 {
			t.Errorf("the router behind counts %+v", u)
		}
	}
}

// TestAGatewaySeparatesPrefixCachesAsARouterDoes: a client's requests find the blocks
// that its own requests computed, by whichever process they came.
func TestAGatewaySeparatesPrefixCachesAsARouterDoes(t *testing.T) {
	g := newGuarded(t, limitedClients())
	salts := map[string]uint64{}
	for _, client := range []string{"a", "b"} {
		for _, own := range []string{"", `,"cache_salt":"s"`} {
			for name, addr := range map[string]string{"gateway": g.gateway.http, "router": g.router.http} {
				if got := g.completes(t.Context(), addr, client, own); got != 200 {
					t.Fatalf("%s: %d", name, got)
				}
				calls := g.engine.Calls()
				salts[name+" "+client+own] = calls[len(calls)-1].Request.CacheSalt
			}
		}
	}
	seen := map[uint64]string{}
	for _, who := range []string{"a", `a,"cache_salt":"s"`, "b", `b,"cache_salt":"s"`} {
		salt := salts["gateway "+who]
		if salt != salts["router "+who] || salt == 0 || seen[salt] != "" {
			t.Errorf("%s: salts %v", who, salts)
		}
		seen[salt] = who
	}
}

// TestAGatewayBoundsBodiesItself: what is too large never reaches a router.
func TestAGatewayBoundsBodiesItself(t *testing.T) {
	g := newGuarded(t, limitedClients())
	if got := g.posts(t.Context(), g.gateway.http, "a", io.MultiReader(strings.NewReader(`{"prompt":"`), bytes.NewReader(make([]byte, httpapi.MaxBody)))); got != 413 {
		t.Errorf("HTTP: %d", got)
	}
	conn, err := grpc.NewClient("passthrough:///"+g.gateway.grpc, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-api-key", "a")
	stream, err := hachiv1.NewInferenceServiceClient(conn).Generate(ctx, &hachiv1.GenerateRequest{
		Prompt: &hachiv1.GenerateRequest_Text{Text: strings.Repeat("x", httpapi.MaxBody)},
	})
	if err == nil {
		_, err = stream.Recv()
	}
	if code := status.Code(err); code != codes.ResourceExhausted {
		t.Errorf("gRPC: %v", err)
	}
	if n := len(g.engine.Calls()); n != 0 {
		t.Errorf("%d requests reached a router", n)
	}
}

// TestHeadersAreBoundedBeforeKeysAreAsked: no caller, with a key or without, makes a
// process hold much of what nothing has checked.
func TestHeadersAreBoundedBeforeKeysAreAsked(t *testing.T) {
	g := newGuarded(t, limitedClients())
	long := accesstest.Credential{Header: "X-Long", Value: strings.Repeat("x", 2*httpapi.MaxHeader)}
	for name, addr := range map[string]string{
		"router, HTTP": g.router.http, "router, admin": g.router.admin, "gateway, HTTP": g.gateway.http, "gateway, admin": g.gateway.admin,
	} {
		s := accesstest.Server{Addr: addr, TLS: &tls.Config{InsecureSkipVerify: true}}
		if a := s.Ask(t, "GET", "/healthz", "", long); a.Status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: %d", name, a.Status)
		}
	}
}
