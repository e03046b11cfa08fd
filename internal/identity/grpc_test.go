package identity

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/logtest"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// authority makes an authority of a cluster, valid now.
func authority(t *testing.T, cluster string) *Authority {
	t.Helper()
	a, err := NewAuthority(cluster, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// write issues a certificate into a directory, with authorities to trust.
func write(t *testing.T, dir string, by *Authority, r Request, trusted ...*Authority) {
	t.Helper()
	var all []byte
	for _, a := range trusted {
		pair, err := a.Pair()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pair.Certificate...)
	}
	pair, err := by.Issue(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, all, pair); err != nil {
		t.Fatal(err)
	}
}

// source is a new process with a certificate.
func source(t *testing.T, by *Authority, id ID, trusted ...*Authority) *Source {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, by, Request{ID: id, From: time.Now(), Life: time.Minute}, trusted...)
	s, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// expired is a process whose certificate ended while it ran.
func expired(t *testing.T, by *Authority, id ID) *Source {
	t.Helper()
	pair, err := by.Issue(Request{ID: id, From: time.Now().Add(-2 * time.Minute), Life: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ca, err := by.Pair()
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMaterial(ca.Certificate, pair, false, time.Now().Add(-2*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	s := &Source{logger: slog.New(slog.DiscardHandler), peers: refusedPeers(slog.New(slog.DiscardHandler))}
	s.current.Store(m)
	return s
}

// service answers as a coordinator does, and as an expert node: Exchange repeats what it gets.
type service struct {
	hachiv1.UnimplementedCoordinatorServiceServer
	hachiv1.UnimplementedExpertServiceServer
}

func (service) GetStatus(ctx context.Context, _ *hachiv1.GetStatusRequest) (*hachiv1.GetStatusResponse, error) {
	id, _ := Peer(ctx)
	return &hachiv1.GetStatusResponse{LeaderId: id.String()}, nil
}

func (service) DrainNode(context.Context, *hachiv1.DrainNodeRequest) (*hachiv1.DrainNodeResponse, error) {
	return &hachiv1.DrainNodeResponse{}, nil
}

func (service) Exchange(s grpc.BidiStreamingServer[hachiv1.ExchangeRequest, hachiv1.ExchangeResponse]) error {
	for {
		in, err := s.Recv()
		if err != nil {
			return nil
		}
		if err := s.Send(&hachiv1.ExchangeResponse{Payload: in.GetPayload()}); err != nil {
			return err
		}
	}
}

// serve runs a guarded server until the test ends.
func serve(t *testing.T, s *Source, log *slog.Logger) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	options := append(NewGuard(Methods(), log).Options(), grpc.Creds(credentials.NewTLS(s.ServerTLS())))
	server := grpc.NewServer(options...)
	hachiv1.RegisterCoordinatorServiceServer(server, service{})
	hachiv1.RegisterExpertServiceServer(server, service{})
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() { server.Stop(); serving.Wait() })
	return l.Addr().String()
}

func tlsTo(s *Source, role Role, name string) credentials.TransportCredentials {
	return credentials.NewTLS(s.ClientTLS(role, name))
}

func dial(t *testing.T, addr string, by credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(by))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// TestOnlyTheRightCertificatePasses walks callers and methods.
func TestOnlyTheRightCertificatePasses(t *testing.T) {
	const cluster = "hachi"
	ours, others := authority(t, cluster), authority(t, cluster)
	addr := serve(t, source(t, ours, ID{cluster, Coordinator, "c-0"}, ours), nil)
	to := func(s *Source) credentials.TransportCredentials {
		return credentials.NewTLS(s.ClientTLS(Coordinator, ""))
	}
	bare := source(t, ours, ID{cluster, Router, "r"}, ours).ClientTLS(Coordinator, "")
	bare.GetClientCertificate = nil
	type verdicts struct{ status, drain, exchange codes.Code }
	none := verdicts{codes.Unavailable, codes.Unavailable, codes.Unavailable}
	for name, test := range map[string]struct {
		by   credentials.TransportCredentials
		want verdicts
	}{
		"no TLS":                     {insecure.NewCredentials(), none},
		"no certificate":             {credentials.NewTLS(bare), none},
		"other authority":            {to(source(t, others, ID{cluster, Operator, "o"}, ours, others)), none},
		"expired":                    {to(expired(t, ours, ID{cluster, Operator, "o"})), none},
		"other cluster":              {to(source(t, ours, ID{"other", Operator, "o"}, ours)), none},
		"server of another name":     {credentials.NewTLS(source(t, ours, ID{cluster, Operator, "o"}, ours).ClientTLS(Coordinator, "c-1")), none},
		"server of another role":     {credentials.NewTLS(source(t, ours, ID{cluster, Operator, "o"}, ours).ClientTLS(Expert, "c-0")), none},
		"a router":                   {to(source(t, ours, ID{cluster, Router, "r"}, ours)), verdicts{codes.OK, codes.PermissionDenied, codes.OK}},
		"an expert":                  {to(source(t, ours, ID{cluster, Expert, "e"}, ours)), verdicts{codes.OK, codes.PermissionDenied, codes.PermissionDenied}},
		"an operator":                {to(source(t, ours, ID{cluster, Operator, "o"}, ours)), verdicts{codes.OK, codes.OK, codes.PermissionDenied}},
		"etcd, which calls no other": {to(source(t, ours, ID{cluster, Etcd, "e"}, ours)), verdicts{codes.PermissionDenied, codes.PermissionDenied, codes.PermissionDenied}},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, addr, test.by)
			coordinator := hachiv1.NewCoordinatorServiceClient(conn)
			_, asked := coordinator.GetStatus(t.Context(), &hachiv1.GetStatusRequest{})
			_, drained := coordinator.DrainNode(t.Context(), &hachiv1.DrainNodeRequest{})
			if got := (verdicts{status.Code(asked), status.Code(drained), exchange(t, conn)}); got != test.want {
				t.Errorf("%v, expected %v (%v)", got, test.want, asked)
			}
		})
	}
}

// exchange sends one message and reads it back.
func exchange(t *testing.T, conn *grpc.ClientConn) codes.Code {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := hachiv1.NewExpertServiceClient(conn).Exchange(ctx)
	if err != nil {
		return status.Code(err)
	}
	_ = stream.Send(&hachiv1.ExchangeRequest{Payload: []byte("rows")}) // Recv has the error
	_, err = stream.Recv()
	return status.Code(err)
}

func TestAServerOfAnotherAuthorityIsRefused(t *testing.T) {
	ours, others := authority(t, "c"), authority(t, "c")
	addr := serve(t, source(t, others, ID{"c", Expert, "e"}, others, ours), nil)
	var log logtest.Log
	client := source(t, ours, ID{"c", Router, "r"}, ours)
	client.peers = refusedPeers(log.Logger())
	for range 3 {
		if code := exchange(t, dial(t, addr, credentials.NewTLS(client.ClientTLS(Expert, "e")))); code != codes.Unavailable {
			t.Errorf("%v", code)
		}
	}
	if n := log.Count("peer is refused for its certificate"); n != 1 {
		t.Errorf("%d lines, expected 1:\n%s", n, &log)
	}
}

func TestARefusedCallerIsLoggedOncePerMethod(t *testing.T) {
	ours := authority(t, "c")
	var log logtest.Log
	addr := serve(t, source(t, ours, ID{"c", Coordinator, "c-0"}, ours), log.Logger())
	conn := dial(t, addr, credentials.NewTLS(source(t, ours, ID{"c", Router, "r"}, ours).ClientTLS(Coordinator, "")))
	for range 3 {
		_, err := hachiv1.NewCoordinatorServiceClient(conn).DrainNode(t.Context(), &hachiv1.DrainNodeRequest{})
		if status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), `spiffe://c/router/r`) {
			t.Error(err)
		}
	}
	if n := log.Count("caller may not call this method"); n != 1 {
		t.Errorf("%d lines, expected 1:\n%s", n, &log)
	}
}

// TestEveryMethodHasARule: a new RPC is refused until its rule is written, and
// this test says so.
// TestARouterHandsOnWhatAnOperatorAsks: only with a way to ask for the operator's key,
// only for the methods of operators, and only routers and gateways.
func TestARouterHandsOnWhatAnOperatorAsks(t *testing.T) {
	refused := status.Error(codes.PermissionDenied, "no key")
	for _, tt := range []struct {
		role   Role
		method string
		ask    func(context.Context) error
		want   bool
	}{
		{Router, "/hachi.v1.CoordinatorService/DrainNode", nil, false},
		{Router, "/hachi.v1.CoordinatorService/DrainNode", func(context.Context) error { return refused }, false},
		{Router, "/hachi.v1.CoordinatorService/DrainNode", func(context.Context) error { return nil }, true},
		{Gateway, "/hachi.v1.ProcessService/CancelRequest", func(context.Context) error { return nil }, true},
		{Expert, "/hachi.v1.CoordinatorService/DrainNode", func(context.Context) error { return nil }, false},
		{Router, "/hachi.v1.WeightsService/ReadFile", func(context.Context) error { return nil }, false},
		{Operator, "/hachi.v1.CoordinatorService/DrainNode", func(context.Context) error { return refused }, true},
	} {
		g := NewGuard(Methods(), nil).Keyed(tt.ask)
		if got := g.admit(t.Context(), ID{"c", tt.role, "n"}, true, tt.method) == nil; got != tt.want {
			t.Errorf("%s calls %s: %v", tt.role, tt.method, got)
		}
	}
}

func TestEveryMethodHasARule(t *testing.T) {
	rules := Methods()
	for _, desc := range []grpc.ServiceDesc{hachiv1.ExpertService_ServiceDesc, hachiv1.ProcessService_ServiceDesc, hachiv1.CoordinatorService_ServiceDesc, hachiv1.InferenceService_ServiceDesc, hachiv1.WeightsService_ServiceDesc} {
		names := []string{}
		for _, m := range desc.Methods {
			names = append(names, m.MethodName)
		}
		for _, s := range desc.Streams {
			names = append(names, s.StreamName)
		}
		for _, name := range names {
			if _, ok := rules["/"+desc.ServiceName+"/"+name]; !ok {
				t.Errorf("/%s/%s has no rule", desc.ServiceName, name)
			}
		}
	}
}
