package role

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/coordinator"
	"github.com/hachi-serve/hachi/internal/api/accesstest"
	"github.com/hachi-serve/hachi/internal/cluster/memory"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
	"github.com/hachi-serve/hachi/internal/weights/peer"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// noFiles is a node without a model.
type noFiles struct{}

func (noFiles) File(string) (size int64, version string, ok bool)        { return 0, "", false }
func (noFiles) Read(context.Context, string, []byte, int64) error        { return nil }
func (noFiles) Serve(*moe.Call, func(*moe.Reply, error)) (_ func() bool) { return nil }

// everyMember are the roles of processes and people of a cluster.
var everyMember = []identity.Role{identity.Router, identity.Expert, identity.Coordinator, identity.Gateway, identity.Operator}

// memberCall is a method of a listener of expert nodes or coordinators: who may call it,
// and how a call that was let in ends.
type memberCall struct {
	by   []identity.Role
	in   proto.Message
	ends string
}

var (
	operators   = []identity.Role{identity.Operator}
	healthCalls = map[string]memberCall{
		healthpb.Health_Check_FullMethodName: {everyMember, &healthpb.HealthCheckRequest{}, accesstest.OK},
		healthpb.Health_List_FullMethodName:  {everyMember, &healthpb.HealthListRequest{}, accesstest.OK},
		healthpb.Health_Watch_FullMethodName: {everyMember, nil, ""}, // does not end
	}
	nodeCalls = map[string]memberCall{
		hachiv1.ExpertService_Exchange_FullMethodName:  {[]identity.Role{identity.Router}, &hachiv1.ExchangeRequest{}, "15"},
		hachiv1.WeightsService_StatFile_FullMethodName: {[]identity.Role{identity.Expert, identity.Operator}, &hachiv1.StatFileRequest{}, "5"},
		hachiv1.WeightsService_ReadFile_FullMethodName: {[]identity.Role{identity.Expert, identity.Operator}, &hachiv1.ReadFileRequest{}, "5"},
	}
	coordinatorCalls = map[string]memberCall{
		hachiv1.CoordinatorService_GetStatus_FullMethodName:     {everyMember, &hachiv1.GetStatusRequest{}, accesstest.OK},
		hachiv1.CoordinatorService_GetPlacement_FullMethodName:  {everyMember, &hachiv1.GetPlacementRequest{}, "5"},
		hachiv1.CoordinatorService_PlanPlacement_FullMethodName: {operators, &hachiv1.PlanPlacementRequest{}, "9"},
		hachiv1.CoordinatorService_DrainNode_FullMethodName:     {operators, &hachiv1.DrainNodeRequest{NodeId: "n"}, "9"},
	}
)

// services describes what a listener serves.
func services(all ...grpc.ServiceDesc) map[string]grpc.ServiceInfo {
	out := map[string]grpc.ServiceInfo{}
	for _, d := range all {
		var info grpc.ServiceInfo
		for _, m := range d.Methods {
			info.Methods = append(info.Methods, grpc.MethodInfo{Name: m.MethodName})
		}
		for _, s := range d.Streams {
			info.Methods = append(info.Methods, grpc.MethodInfo{Name: s.StreamName})
		}
		out[d.ServiceName] = info
	}
	return out
}

// credentialsOf opens the certificate of a process.
func (g *guarded) credentialsOf(role identity.Role) *security {
	g.Helper()
	by, err := openSecurity(SecurityConfig{Certificates: filepath.Join(g.dir, string(role))}, ClusterConfig{Cluster: "c", ID: string(role), Logger: slog.New(slog.DiscardHandler)}, role)
	if err != nil {
		g.Fatal(err)
	}
	g.Cleanup(by.close)
	return by
}

func (g *guarded) listen() net.Listener {
	g.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		g.Fatal(err)
	}
	return l
}

// startNode serves as an expert node does.
func (g *guarded) startNode() (addr string, serves map[string]grpc.ServiceInfo) {
	g.Helper()
	log, by := slog.New(slog.DiscardHandler), g.credentialsOf(identity.Expert)
	l := g.listen()
	s := serveExperts(l, peer.NewServer(peer.ServerConfig{Holder: noFiles{}, Busy: func() bool { return false }}),
		rpc.ServerConfig{Handler: noFiles{}, Node: "expert", RowBytes: 2, MaxPayload: 1 << 10, Logger: log, Caller: by.caller()}, by.members(log), log)
	g.Cleanup(s.stop)
	return l.Addr().String(), s.grpc.GetServiceInfo()
}

// startCoordinator serves as a coordinator does.
func (g *guarded) startCoordinator() (addr string) {
	g.Helper()
	log, by := slog.New(slog.DiscardHandler), g.credentialsOf(identity.Coordinator)
	records := registry.New(memory.New(), registry.Prefix("c"), registry.Options{TTL: time.Minute})
	g.Cleanup(records.Close)
	l := g.listen()
	co := coordinator.New(coordinator.Config{ID: "coordinator", Registry: records, Policy: planner.Balanced, Replicas: 1, TTL: time.Minute, Logger: log})
	g.Cleanup(serveCoordinator(l, co, status.Handler(records, co), by, nil, log))
	return l.Addr().String()
}

// TestOnlyTheRightCallersPassAtNodesAndCoordinators walks every RPC of an expert node and of
// a coordinator, and the coordinator's routes, with every certificate. Keys open nothing
// there.
func TestOnlyTheRightCallersPassAtNodesAndCoordinators(t *testing.T) {
	before, _ := accesstest.Clients()
	g := newGuarded(t, before)
	g.certify(g.ours)
	node, served := g.startNode()
	co := g.startCoordinator()
	by := accesstest.Some("none", "an admin's")
	for _, c := range g.callers() {
		s := accesstest.Server{TLS: c.tls, Ran: func() int { return 0 }, Spellings: []string{"plain"}}
		if c.role == identity.Gateway { // whom some methods let in
			s.Spellings = accesstest.Brief()
		}
		for name, listener := range map[string]struct {
			addr     string
			services map[string]grpc.ServiceInfo
			calls    map[string]memberCall
		}{
			"node":        {node, served, nodeCalls},
			"coordinator": {co, services(hachiv1.CoordinatorService_ServiceDesc, healthpb.Health_ServiceDesc), coordinatorCalls},
		} {
			t.Run(name+", "+c.name, func(t *testing.T) {
				listed, all := map[string]proto.Message{}, map[string]memberCall{}
				for _, calls := range []map[string]memberCall{listener.calls, healthCalls} {
					for method, call := range calls {
						listed[method], all[method] = call.in, call
					}
				}
				s.Addr = listener.addr
				accesstest.WalkRPCs(t, s, listener.services, listed, by, func(method string, _ accesstest.Credential) string { return all[method].endsFor(c) })
			})
		}
		t.Run("coordinator, HTTP, "+c.name, func(t *testing.T) {
			s.Addr = co
			for _, route := range []struct {
				method, path string
				by           []identity.Role
			}{{"GET", "/v1/status", everyMember}, {"PUT", "/v1/nodes/n/drain", operators}, {"DELETE", "/v1/nodes/n/drain", operators}} {
				for _, key := range by {
					got := s.Ask(t, route.method, route.path, "", key).Status
					plain := c.tls == nil && got == http.StatusBadRequest // before anything is read
					refused := got == 0 || plain || got == http.StatusUnauthorized || got == http.StatusForbidden
					if may := c.valid && slices.Contains(route.by, c.role); refused == may {
						t.Errorf("%s %s with the key %s: %d", route.method, route.path, key.Name, got)
					}
				}
			}
		})
	}
}

// endsFor is the status of a call by a caller. These listeners ask for a certificate
// before they read a call.
func (m memberCall) endsFor(c shown) string {
	switch {
	case !c.valid || c.role == "":
		return ""
	case !slices.Contains(m.by, c.role):
		return accesstest.PermissionDenied
	}
	return m.ends
}
