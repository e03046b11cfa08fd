package role

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/hachi-serve/hachi/expertnode"
	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/cluster/gossip"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/expertnode/lastshard"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/metric"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/internal/numa"
	"github.com/hachi-serve/hachi/internal/transport/grpcserver"
	"github.com/hachi-serve/hachi/internal/transport/peers"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
	"github.com/hachi-serve/hachi/internal/weights/peer"
	"github.com/hachi-serve/hachi/internal/weights/source"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// RunExpertNode runs an expert node until ctx ends and its experts are served
// elsewhere, or a while has passed.
func RunExpertNode(ctx context.Context, c ExpertNodeConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c.silence()
	var err error
	if c.heap, err = c.limitProcess(0); err != nil {
		return err
	}
	by, err := openSecurity(c.Security.SecurityConfig, c.ClusterConfig, identity.Expert)
	if err != nil {
		return err
	}
	defer by.close()
	device, err := c.openDevice(c.BusyPoll, c.Logger)
	if err != nil {
		return err
	}
	defer device.Close()
	if err := c.checkFamily(device.Info()); err != nil {
		return err
	}
	return c.compute(ctx, device, by)
}

// compute opens the weights and runs an expert node that computes with a device. A node
// that asks others for weights is in the cluster before it has any.
func (c ExpertNodeConfig) compute(ctx context.Context, device backend.Device, by *security) error {
	p := &weightsOpener{cfg: c, by: by, device: device.Info()}
	enter := func() (err error) {
		p.conn, err = join(c.ClusterConfig, by, registry.ExpertNodeRole, func(gossip.Change) {})
		return err
	}
	defer func() {
		if p.conn != nil {
			p.conn.leave(c.Logger)
		}
	}()
	_, asks := source.CutPeers(c.Dir)
	if asks {
		if err := enter(); err != nil {
			return err
		}
	}
	w, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer w.ckpt.Close()
	ctx, guard, unguard := guardWeights(ctx, w.ckpt, c.Logger)
	defer unguard()
	if !asks {
		if err := enter(); err != nil {
			return guard.end(err)
		}
	}
	return guard.end(c.run(ctx, device, w, p.conn, guard, by))
}

// run runs an expert node whose weights are open.
func (c ExpertNodeConfig) run(ctx context.Context, device backend.Device, w weights, conn *clusterConn, guard *weightsGuard, by *security) (err error) {
	experts, err := device.OpenExperts(w.cfg, w.numerics)
	if err != nil {
		return configFault(err)
	}
	defer experts.Close()
	w.accountFor(experts, &c.Capacity)
	ctx, lost := guardDevice(ctx, experts, c.Logger)
	defer func() { err = lost.end(err) }()
	computes := guardedExperts{experts, lost}
	loader := newExpertLoader(w, computes, c.workers())
	loader.heap = c.heap
	defer loader.Close()
	node := expertnode.New(expertnode.Config{
		ID: moe.NodeID(c.ID), Fingerprint: w.fingerprint, Model: w.cfg, Wire: w.numerics.Wire, FFN: guardedFFN{computes, guard}, ExpertBytes: w.expertBytes(),
		Loader: loader, Capacity: uint64(c.Capacity), Fetched: w.fetched(), QueueRows: queuedSteps * w.stepTokens * w.cfg.TopK, BatchRows: w.stepTokens * w.cfg.TopK, Logger: c.Logger,
		Memory: c.memory(w), RowMemory: rowMemory(experts),
	})
	stopAdmin, err := c.serveAdmin(node, coreBudgetOf(device), by)
	if err != nil {
		return err
	}
	defer stopAdmin()
	tracer, err := c.openTracer(c.Tracing, metric.ExpertNode)
	if err != nil {
		return err
	}
	defer tracer.Close()
	service, err := c.weightsService(w, loader, node.Busy)
	if err != nil {
		return err
	}
	server, addr, err := c.serve(tracer.Node(c.handler(node)), service, w, rowMemory(experts), by)
	if err != nil {
		return err
	}
	defer server.stop()
	defer context.AfterFunc(ctx, func() {
		if killed(ctx) {
			server.stop()
		} else {
			server.leave()
		}
	})()
	return follow(ctx, c, w, conn, node, addr)
}

// serveAdmin serves the admin API, whose probes say whether the node is ready.
func (c ExpertNodeConfig) serveAdmin(node *expertnode.Node, budget coreBudgetMetrics, by *security) (stop func(), err error) {
	if c.Security.AdminListen == "" {
		return func() {}, nil
	}
	who, err := openAccess(AccessConfig{AdminConfig: c.Security.AdminConfig}, c.Logger)
	if err != nil {
		return nil, err
	}
	stopAPI, err := adminAPI{routes: processRoutes(nodeMetrics{node}, budget, by.certificates(nil)), services: offered{hachiv1.ExpertService_ServiceDesc, hachiv1.WeightsService_ServiceDesc, healthpb.Health_ServiceDesc}, gate: who.gate, source: by.source, logger: c.Logger, ready: node.Ready}.start(c.Security.AdminConfig)
	if err != nil {
		who.close()
		return nil, err
	}
	return func() { stopAPI(); who.close() }, nil
}

// serve lets routers call the node, over gRPC or inside this process, and by gRPC other
// nodes fetch its weights.
func (c ExpertNodeConfig) serve(node rpc.Handler, service *peer.Server, w weights, memory func(n int) ([]byte, func()), by *security) (nodeServer, string, error) {
	id := moe.NodeID(c.ID)
	if p := c.InProcess; p != nil {
		p.Network.Connect(id, node)
		return onNetwork{p.Network, id}, "inproc:" + c.ID, nil
	}
	l, err := listen(c.Listen, c.Advertise)
	if err != nil {
		return nil, "", err
	}
	bound := peers.Bound(l.Listener, peers.MaxConnections)
	return serveExperts(rpc.Spin(bound, c.BusyPoll), service, rpc.ServerConfig{
		Handler: node, Node: id, Fingerprint: w.fingerprint, RowBytes: w.rowBytes(), MaxPayload: w.maxPayload(), Logger: c.Logger,
		Caller: by.caller(), RowMemory: memory,
	}, by.members(c.Logger), c.Logger), l.advertised, nil
}

// queuedSteps is the number of whole steps, with every row at each of its
// experts, that may wait at a node.
const queuedSteps = 8

// handler answers the calls of routers.
func (c ExpertNodeConfig) handler(node *expertnode.Node) rpc.Handler {
	if c.WrapHandler == nil {
		return node
	}
	return c.WrapHandler(node)
}

// expertServer is the gRPC side of an expert node.
type expertServer struct {
	grpc    *grpc.Server
	experts *rpc.Server
	health  *health.Server
	serving sync.WaitGroup
}

func serveExperts(l net.Listener, service *peer.Server, c rpc.ServerConfig, secure []grpc.ServerOption, log *slog.Logger) *expertServer {
	options := slices.Concat(rpc.ServerOptions(c.MaxPayload), secure)
	s := &expertServer{grpc: grpcserver.New(log, options...), experts: rpc.NewServer(c), health: health.NewServer()}
	hachiv1.RegisterExpertServiceServer(s.grpc, s.experts)
	hachiv1.RegisterWeightsServiceServer(s.grpc, service)
	healthpb.RegisterHealthServer(s.grpc, s.health)
	s.serving.Go(func() { _ = s.grpc.Serve(l) })
	return s
}

// leave asks routers and probes to call other nodes, before the lease says
// so. Calls are still answered.
func (s *expertServer) leave() {
	s.experts.Drain()
	s.health.Shutdown()
}

func (s *expertServer) stop() {
	s.grpc.Stop()
	s.serving.Wait()
}

// memory is where the node remembers its shard.
func (c ExpertNodeConfig) memory(w weights) expertnode.Memory {
	if c.StateDir == "" {
		return nil
	}
	return lastshard.File{Path: filepath.Join(c.StateDir, c.ID+".json"), Node: moe.NodeID(c.ID), Fingerprint: w.fingerprint, Topology: w.cfg.Topology()}
}

// follow registers the node and lets it follow the cluster. The watches
// outlive ctx, because a node that leaves still has to see who took over.
func follow(ctx context.Context, c ExpertNodeConfig, w weights, n *clusterConn, node *expertnode.Node, addr string) error {
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		if killed(ctx) {
			stop()
		}
	})()
	return node.Run(ctx, func(context.Context) (expertnode.Session, expertnode.Watches, error) {
		if err := n.named(ctx); err != nil {
			return nil, expertnode.Watches{}, err
		}
		session := n.registry.RegisterNode(watch, &hachiv1.NodeRecord{
			NodeId: c.ID, Addr: addr, CapacityBytes: uint64(c.Capacity), Backend: c.Backend, Fingerprint: string(w.fingerprint),
			StartedUnixNano: time.Now().UnixNano(), ExpertsPerLayer: moepb.TopologyToProto(w.cfg.Topology()),
			ExpertBytes: uint64(w.expertBytes()), GossipAddr: n.gossipAddr(), Zone: c.Zone, GivesAllWeights: w.source == nil, MemoryNode: memoryNode(),
		})
		return nodeSession{session, ctx}, expertnode.Watches{
			Target: n.registry.WatchTarget(watch), Placement: n.registry.WatchPlacement(watch), Routers: n.registry.WatchRouters(watch),
		}, nil
	})
}

// memoryNode is the number of the memory node to which the process is bound, by hachi up
// or otherwise; "" is none.
func memoryNode() string {
	if _, home, bound := numa.Here(); bound {
		return strconv.Itoa(home.ID)
	}
	return ""
}
