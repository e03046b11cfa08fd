package role

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/hachi-serve/hachi/coordinator"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/cluster/gossip"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/internal/transport/grpcserver"
	"github.com/hachi-serve/hachi/internal/transport/peers"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// liveness remembers what gossip said last.
type liveness struct {
	mu    sync.Mutex // guards the fields below
	alive map[string]bool
	nodes map[string]bool // the expert nodes among them
}

func (l *liveness) hear(c gossip.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alive[c.Name] = c.State == gossip.Alive
	if c.Role == registry.ExpertNodeRole {
		l.nodes[c.Name] = c.State == gossip.Alive
	}
}

// heard are the expert nodes that live.
func (l *liveness) heard() (out []moe.NodeID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, alive := range l.nodes {
		if alive {
			out = append(out, moe.NodeID(name))
		}
	}
	return out
}

// silent reports that a node was heard, and is not any more.
func (l *liveness) silent(node moe.NodeID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	alive, known := l.nodes[string(node)]
	return known && !alive
}

func (l *liveness) of(node moe.NodeID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.alive[string(node)]
}

// RunCoordinator runs a coordinator until ctx ends.
func RunCoordinator(ctx context.Context, c CoordinatorConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c.silence()
	if _, err := c.limitProcess(0); err != nil {
		return err
	}
	who, err := openAccess(AccessConfig{AdminConfig: c.Security.AdminConfig}, c.Logger)
	if err != nil {
		return err
	}
	defer who.close()
	by, err := openSecurity(c.Security.SecurityConfig, c.ClusterConfig, identity.Coordinator)
	if err != nil {
		return err
	}
	defer by.close()
	alive := &liveness{alive: map[string]bool{}, nodes: map[string]bool{}}
	n, err := join(c.ClusterConfig, by, registry.CoordinatorRole, alive.hear)
	if err != nil {
		return err
	}
	defer n.leave(c.Logger)
	l, err := listen(c.Listen, c.Advertise)
	if err != nil {
		return err
	}
	co := coordinator.New(coordinator.Config{
		ID: c.ID, Addr: l.advertised, GossipAddr: n.gossipAddr(),
		Policy: planner.Policy(c.Placement.Policy), Replicas: c.Placement.Replicas, Redundant: c.Placement.Redundant, Expect: c.ExpectNodes, TTL: c.TTL,
		Registry: n.registry, Alive: alive.of, Heard: alive.heard, Silent: alive.silent, Reissued: by.reissued(), Logger: c.Logger,
	})
	stop := serveCoordinator(peers.Bound(l.Listener, peers.MaxConnections), co, status.Handler(n.registry, co), by, who.gate, c.Logger)
	defer stop()
	stopAdmin, err := adminAPI{
		routes: coordinatorRoutes(status.Handler(n.registry, co), coordinatorMetrics{co}, by.certificates(nil)), services: offered{hachiv1.CoordinatorService_ServiceDesc, healthpb.Health_ServiceDesc},
		gate: who.gate, source: by.source, logger: c.Logger,
	}.start(c.Security.AdminConfig)
	if err != nil {
		return err
	}
	defer stopAdmin()
	if err := n.named(ctx); err != nil {
		return err
	}
	return co.Run(ctx)
}

// maxCoordinatorStreams bounds the calls of one connection to a coordinator.
const maxCoordinatorStreams = 64

// serveCoordinator serves gRPC, and the status API over HTTP, at one address.
// stop returns when nothing is served any more.
func serveCoordinator(l net.Listener, co *coordinator.Coordinator, api *http.ServeMux, by *security, gate *keys.Gate, log *slog.Logger) (stop func()) {
	rules, web := by.rules(gate, log), by.handler(api, log)
	if by.source == nil {
		rules, web = plaintextRules(gate), plaintextAPI(api, gate, IsLoopback(l.Addr().String()), log)
	}
	calls := grpcserver.New(log, rules...)
	hachiv1.RegisterCoordinatorServiceServer(calls, co)
	healthpb.RegisterHealthServer(calls, health.NewServer())
	server := &http.Server{
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: httpapi.MaxHeader, IdleTimeout: 2 * time.Minute, Protocols: &http.Protocols{},
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxCoordinatorStreams},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
				calls.ServeHTTP(w, r)
				return
			}
			web.ServeHTTP(w, r)
		}),
	}
	server.Protocols.SetHTTP1(true)
	serve := func() { _ = server.Serve(l) }
	if server.TLSConfig = by.memberTLS(); server.TLSConfig == nil {
		server.Protocols.SetUnencryptedHTTP2(true)
	} else {
		server.Protocols.SetHTTP2(true)
		serve = func() { _ = server.ServeTLS(l, "", "") }
	}
	var serving sync.WaitGroup
	serving.Go(serve)
	return func() {
		server.Close()
		calls.Stop()
		serving.Wait()
	}
}
