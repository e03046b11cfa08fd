package role

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/api/accesstest"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/identity"
)

// state is a connection on which a process of a role has shown its certificate.
func state(t *testing.T, by *identity.Authority, role identity.Role) *tls.ConnectionState {
	t.Helper()
	pair, err := by.Issue(identity.Request{ID: identity.ID{Cluster: "c", Role: role, Name: "n"}, From: time.Now(), Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(pair.Certificate)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate}}
}

// adminRoutes are those of both admin APIs. What drains is sent to a node that is not
// there.
var adminRoutes = map[string]string{
	"/metrics": "GET", "/debug/pprof": "GET", "/debug/pprof/heap": "GET", "/debug/pprof/cmdline": "GET", "/debug/pprof/symbol": "GET",
	"/debug/pprof/profile?seconds=1": "GET", "/debug/pprof/trace?seconds=1": "GET", "/v1/status": "GET", "/v1/nodes/n/drain": "PUT",
	"/v1/nodes/m/drain": "DELETE", "/grpc.channelz.v1.Channelz/GetServers": "POST", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": "POST",
}

// TestOnlyAdminsSeeTheInside: by a key or by the certificate of an operator.
func TestOnlyAdminsSeeTheInside(t *testing.T) {
	authority, err := identity.NewAuthority("c", time.Now(), 2*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	admins := &keys.Gate{
		Admins:  keys.NewGuard([]keys.Entry{{Name: "root", SHA256: keys.Hashes{keys.HashOf("ADMIN")}}}),
		Clients: keys.NewGuard([]keys.Entry{{Name: "client", SHA256: keys.Hashes{keys.HashOf("CLIENT")}}}),
	}
	routes := coordinatorRoutes(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") }))
	log := slog.New(slog.DiscardHandler)
	for route, access := range accesstest.Routes(adminAPI{routes: routes}.tables()) {
		method, path, _ := strings.Cut(route, " ")
		listed := func(one string) bool { return strings.HasPrefix(one, path) && adminRoutes[one] == method }
		if access == httpapi.AdminAccess && !slices.ContainsFunc(slices.Collect(maps.Keys(adminRoutes)), listed) {
			t.Errorf("adminRoutes has no %s", route)
		}
	}
	keyed := adminAPI{routes: routes, gate: admins, logger: log}.handler(false)
	certified := adminAPI{routes: routes, gate: &keys.Gate{}, source: &identity.Source{}, logger: log}.handler(false)
	open := adminAPI{routes: routes, gate: &keys.Gate{}, logger: log}.handler(true)
	for _, tt := range []struct {
		name   string
		api    http.Handler
		key    string
		by     *tls.ConnectionState
		passes bool
	}{
		{"no key", keyed, "", nil, false},
		{"wrong key", keyed, "WRONG", nil, false},
		{"a client's key", keyed, "CLIENT", nil, false},
		{"an admin's key", keyed, "ADMIN", nil, true},
		{"an operator", keyed, "", state(t, authority, identity.Operator), true},
		{"a router", keyed, "", state(t, authority, identity.Router), false},
		{"certificates, none", certified, "", nil, false},
		{"certificates, a key", certified, "ADMIN", nil, false},
		{"certificates, an operator", certified, "", state(t, authority, identity.Operator), true},
		{"certificates, an expert node", certified, "", state(t, authority, identity.Expert), false},
		{"certificates, a coordinator", certified, "", state(t, authority, identity.Coordinator), false},
		{"loopback", open, "", nil, true},
	} {
		for path, method := range adminRoutes {
			if tt.passes && (strings.Contains(path, "seconds") || strings.HasPrefix(path, "/grpc.")) {
				continue // it takes a second, or wants HTTP/2
			}
			for _, spelled := range []string{path, "/" + path, "/healthz/.." + path} {
				r := httptest.NewRequest(method, spelled, nil)
				r.Host, r.TLS = "localhost", tt.by
				if tt.key != "" {
					r.Header.Set("Authorization", "Bearer "+tt.key)
				}
				w := httptest.NewRecorder()
				tt.api.ServeHTTP(w, r)
				if ok := w.Code < 300; ok && !tt.passes || !ok && tt.passes && spelled == path {
					t.Errorf("%s: %s %s: %d", tt.name, method, spelled, w.Code)
				}
			}
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/healthz", nil)
		r.Host = "localhost"
		tt.api.ServeHTTP(w, r)
		if w.Code != 200 {
			t.Errorf("%s: /healthz: %d", tt.name, w.Code)
		}
	}
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Host = "evil.example"
	w := httptest.NewRecorder()
	if open.ServeHTTP(w, r); w.Code != 403 {
		t.Errorf("a page of another site reads the metrics: %d", w.Code)
	}
}

// TestProbesNeedNoCertificate: a supervisor asks whether an expert node is ready.
func TestProbesNeedNoCertificate(t *testing.T) {
	ready := false
	api := adminAPI{routes: processRoutes(), gate: &keys.Gate{}, source: &identity.Source{}, logger: slog.New(slog.DiscardHandler), ready: func() bool { return ready }}
	for _, want := range []map[string]int{
		{"/healthz": 200, "/readyz": 503, "/metrics": 401}, {"/healthz": 200, "/readyz": 200, "/metrics": 401},
	} {
		for path, status := range want {
			w := httptest.NewRecorder()
			api.handler(false).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			if w.Code != status {
				t.Errorf("ready %v: %s: %d, expected %d", ready, path, w.Code, status)
			}
		}
		ready = true
	}
}
