package role

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/hachi-serve/hachi/coordinator"
	"github.com/hachi-serve/hachi/internal/cluster/gossip"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// liveness remembers what gossip said last.
type liveness struct {
	mu    sync.Mutex // guards alive
	alive map[string]bool
}

func (l *liveness) hear(c gossip.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alive[c.Name] = c.State == gossip.Alive
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
	alive := &liveness{alive: map[string]bool{}}
	n, err := meet(c.ClusterConfig, "coordinator", alive.hear)
	if err != nil {
		return err
	}
	defer n.part(c.Logger)
	if p := c.InProcess; p != nil {
		co := coordinator.New(c.coordinator(n, "", alive))
		p.Coordinator(co)
		return co.Run(ctx)
	}
	l, addr, err := listen(c.Listen, c.Advertise)
	if err != nil {
		return err
	}
	co := coordinator.New(c.coordinator(n, addr, alive))
	server := grpc.NewServer()
	hachiv1.RegisterCoordinatorServiceServer(server, co)
	healthpb.RegisterHealthServer(server, health.NewServer())
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	defer serving.Wait()
	defer server.Stop()
	return co.Run(ctx)
}

func (c CoordinatorConfig) coordinator(n *neighbours, addr string, alive *liveness) coordinator.Config {
	return coordinator.Config{
		ID: c.ID, Addr: addr, GossipAddr: n.gossipAddr(),
		Policy: planner.Policy(c.Placement.Policy), Replicas: c.Placement.Replicas, Expect: c.ExpectNodes, TTL: c.TTL,
		Registry: n.registry, Alive: alive.of, Logger: c.Logger,
	}
}
