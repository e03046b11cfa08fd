package role

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/channelz/grpc_channelz_v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/api/accesstest"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/identity"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// insider is a caller of the inside of a process: profiles, reflection and channelz.
type insider struct {
	*testing.T
	addr string
	tls  *tls.Config
	key  string
}

// profile is the status of the answer to a question for a profile.
func (i insider) profile(path string) int {
	i.Helper()
	r, err := http.NewRequestWithContext(i.Context(), http.MethodGet, "https://"+i.addr+path, nil)
	if err != nil {
		i.Fatal(err)
	}
	if i.key != "" {
		r.Header.Set("Authorization", "Bearer "+i.key)
	}
	by := &http.Transport{TLSClientConfig: i.tls}
	defer by.CloseIdleConnections()
	resp, err := (&http.Client{Transport: by}).Do(r)
	if err != nil {
		i.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// calls are the statuses of channelz and of reflection.
func (i insider) calls() (channelz, reflection codes.Code) {
	i.Helper()
	conn, err := grpc.NewClient(i.addr, grpc.WithTransportCredentials(credentials.NewTLS(i.tls)))
	if err != nil {
		i.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(i.Context())
	defer cancel()
	if i.key != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+i.key)
	}
	_, err = grpc_channelz_v1.NewChannelzClient(conn).GetServers(ctx, &grpc_channelz_v1.GetServersRequest{})
	channelz = grpcstatus.Code(err)
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		i.Fatal(err)
	}
	_ = stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}) // Recv has its error
	_ = stream.CloseSend()                                                                                                       // a server reads the rest of a request that it refuses
	_, err = stream.Recv()
	return channelz, grpcstatus.Code(err)
}

// TestWhoSeesTheInside: profiles, channelz and reflection at the admin listener are the
// operators', by a key or by a certificate. A viewer of the console sees none of them.
func TestWhoSeesTheInside(t *testing.T) {
	g := &guarded{T: t, dir: t.TempDir()}
	ours, err := identity.NewAuthority("c", time.Now().Add(-time.Hour), 3*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	g.ours = ours
	g.certify(ours)
	source, err := identity.Open(filepath.Join(g.dir, string(identity.Router)), nil)
	if err != nil {
		t.Fatal(err)
	}
	gate := &keys.Gate{
		Admins: keys.NewGuard([]keys.Entry{
			{Name: "olga", SHA256: keys.Hashes{keys.HashOf("OPERATOR")}}, {Name: "vera", SHA256: keys.Hashes{keys.HashOf("VIEWER")}, Role: keys.RoleViewer},
		}),
		Clients: keys.NewGuard([]keys.Entry{{Name: "client", SHA256: keys.Hashes{keys.HashOf("CLIENT")}}}),
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(adminAPI{
		routes: processRoutes(), services: offered{hachiv1.ExpertService_ServiceDesc}, gate: gate, source: source, logger: slog.New(slog.DiscardHandler),
	}.serve(l))
	bare := &tls.Config{InsecureSkipVerify: true}
	by := func(role identity.Role) *tls.Config { return g.showing(g.issue(ours, role, time.Hour)) }
	for _, tt := range []struct {
		name   string
		tls    *tls.Config
		key    string
		status int
		code   codes.Code
	}{
		{"no key", bare, "", 401, codes.Unauthenticated},
		{"a wrong key", bare, "WRONG", 401, codes.Unauthenticated},
		{"a client's key", bare, "CLIENT", 401, codes.Unauthenticated},
		{"a viewer's key", bare, "VIEWER", 403, codes.PermissionDenied},
		{"an operator's key", bare, "OPERATOR", 200, codes.OK},
		{"a router's certificate", by(identity.Router), "", 401, codes.Unauthenticated},
		{"an expert node's certificate", by(identity.Expert), "", 401, codes.Unauthenticated},
		{"a router's certificate and a viewer's key", by(identity.Router), "VIEWER", 403, codes.PermissionDenied},
		{"an operator's certificate", by(identity.Operator), "", 200, codes.OK},
	} {
		who := insider{t, l.Addr().String(), tt.tls, tt.key}
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/goroutine", "/debug/pprof/cmdline", "/metrics"} {
			if got := who.profile(path); got != tt.status {
				t.Errorf("%s: %s: %d, want %d", tt.name, path, got, tt.status)
			}
		}
		if channelz, reflection := who.calls(); channelz != tt.code || reflection != tt.code {
			t.Errorf("%s: channelz %v, reflection %v, want %v", tt.name, channelz, reflection, tt.code)
		}
	}
}

// TestTheInsideIsAtTheAdminListenerOnly: no listener for clients or processes has it, for
// an operator neither.
func TestTheInsideIsAtTheAdminListenerOnly(t *testing.T) {
	_, clients := accesstest.Clients()
	g := newGuarded(t, clients)
	operator := g.showing(g.issue(g.ours, identity.Operator, time.Hour))
	for name, d := range map[string]door{"router": g.router, "gateway": g.gateway} {
		for _, key := range []string{accesstest.ClientKey, accesstest.AdminKey} {
			who := insider{t, d.http, operator, key}
			for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/grpc.channelz.v1.Channelz/GetServers", "/console"} {
				if got := who.profile(path); got != http.StatusNotFound && got != http.StatusUnauthorized {
					t.Errorf("%s: %s: %d", name, path, got)
				}
			}
		}
		if channelz, reflection := (insider{t, d.grpc, operator, accesstest.AdminKey}).calls(); channelz == codes.OK || reflection == codes.OK {
			t.Errorf("%s: channelz %v, reflection %v", name, channelz, reflection)
		}
		for service := range d.services {
			if service == "grpc.channelz.v1.Channelz" || service == reflectionpb.ServerReflection_ServiceDesc.ServiceName {
				t.Errorf("%s serves %s", name, service)
			}
		}
	}
}
