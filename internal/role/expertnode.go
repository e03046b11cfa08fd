package role

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/hachi-serve/hachi/expertnode"
	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/cluster/gossip"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/compute/arena"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/expertnode/lastshard"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/internal/transport/grpcserver"
	"github.com/hachi-serve/hachi/internal/transport/peers"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
	"github.com/hachi-serve/hachi/internal/weights/quantize"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// expertLoader makes experts resident and gives them to a backend.
type expertLoader struct {
	w       weights
	experts backend.Experts
	threads int // to quantize with

	mu   sync.Mutex                 // guards maps
	maps map[moe.ExpertID]io.Closer // of the memory of weights
}

func newExpertLoader(w weights, experts backend.Experts, threads int) *expertLoader {
	return &expertLoader{w: w, experts: experts, threads: threads, maps: map[moe.ExpertID]io.Closer{}}
}

// Close unmaps every expert, once nothing computes any more.
func (l *expertLoader) Close() error {
	var all []error
	for _, id := range slices.Collect(maps.Keys(l.maps)) {
		all = append(all, l.Unload(id))
	}
	return errors.Join(all...)
}

// Load implements expertnode.Loader. The first touch of the pages happens
// here, not in the first request.
func (l *expertLoader) Load(ctx context.Context, id moe.ExpertID) error {
	m, err := l.w.ckpt.LoadExpert(ctx, id)
	if err != nil {
		return err
	}
	if s := l.w.source; s != nil {
		l.w.log.Info("expert is in memory", "expert", id, "bytes", m.Bytes(), "from", s.String(), "fetched", s.Fetched(), "cached", s.Cached())
	}
	weights, memory := m.Weights, io.Closer(m)
	if l.w.quantize != tensor.Invalid {
		weights, memory, err = l.quantized(ctx, id, m.Weights)
		if err = errors.Join(err, m.Close()); err != nil {
			return err
		}
	}
	// A backend or the quantization may have read a file that changed meanwhile.
	if err := errors.Join(l.experts.Load(ctx, id, weights), l.w.ckpt.Unchanged()); err != nil {
		return errors.Join(err, l.experts.Unload(id), memory.Close())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.maps[id] = memory
	return nil
}

// quantized makes the weights of an expert in memory of their own, outside the Go
// heap, where garbage would grow with them.
func (l *expertLoader) quantized(ctx context.Context, id moe.ExpertID, w model.ExpertWeights) (model.ExpertWeights, io.Closer, error) {
	matrices, size := []*tensor.Weight{&w.W1, &w.W2, &w.W3}, int64(0)
	for _, m := range matrices {
		size += arena.Size(l.w.quantize.Bytes(m.Rows, m.Cols))
	}
	memory, err := arena.New(size)
	if err != nil {
		return w, nil, fmt.Errorf("expert %v: %w", id, err)
	}
	for _, m := range matrices {
		dst := memory.Bytes(l.w.quantize.Bytes(m.Rows, m.Cols))
		if *m, err = quantize.WeightInto(ctx, dst, kernel.Best(), l.threads, *m, l.w.quantize); err != nil {
			return w, nil, errors.Join(fmt.Errorf("expert %v: %w", id, err), memory.Close())
		}
	}
	return w, memory, nil
}

// Unload implements expertnode.Loader. The backend's Unload returns when no
// kernel reads the weights any more, so unmapping them is safe.
func (l *expertLoader) Unload(id moe.ExpertID) error {
	if err := l.experts.Unload(id); err != nil {
		return err
	}
	l.mu.Lock()
	m := l.maps[id]
	delete(l.maps, id)
	l.mu.Unlock()
	if m == nil {
		return nil
	}
	return m.Close()
}

// RunExpertNode runs an expert node until ctx ends and its experts are served
// elsewhere, or a while has passed.
func RunExpertNode(ctx context.Context, c ExpertNodeConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c.silence()
	if err := c.limitProcess(0); err != nil {
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
	w, err := openModel(ctx, c.ModelConfig, device.Info(), c.Logger)
	if err != nil {
		return err
	}
	defer w.ckpt.Close()
	ctx, guard, unguard := guardWeights(ctx, w.ckpt, c.Logger)
	defer unguard()
	return guard.end(c.run(ctx, device, w, guard, by))
}

// run runs an expert node that computes with a device.
func (c ExpertNodeConfig) run(ctx context.Context, device backend.Device, w weights, guard *weightsGuard, by *security) (err error) {
	conn, err := join(c.ClusterConfig, by, registry.ExpertNodeRole, func(gossip.Change) {})
	if err != nil {
		return err
	}
	defer conn.leave(c.Logger)
	experts, err := device.OpenExperts(w.cfg, w.numerics)
	if err != nil {
		return configFault(err)
	}
	defer experts.Close()
	w.accountFor(experts, &c.Capacity)
	ctx, ended := untilFailed(ctx, experts)
	defer func() { err = ended(err) }()
	loader := newExpertLoader(w, experts, c.workers())
	defer loader.Close()
	ctx, lost := guardDevice(ctx, experts, c.Logger)
	loader.experts = lost
	node := expertnode.New(expertnode.Config{
		ID: moe.NodeID(c.ID), Fingerprint: w.fingerprint, Model: w.cfg, Wire: w.numerics.Wire, FFN: guardedFFN{lost, guard}, ExpertBytes: w.expertBytes(),
		Loader: loader, Capacity: uint64(c.Capacity), Fetched: w.fetched(), QueueRows: queuedSteps * w.stepTokens * w.cfg.TopK, BatchRows: w.stepTokens * w.cfg.TopK, Logger: c.Logger,
		Memory: c.memory(w),
	})
	stopAdmin, err := c.serveAdmin(node, by)
	if err != nil {
		return err
	}
	defer stopAdmin()
	server, addr, err := c.serve(node, w, by)
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
	return lost.end(follow(ctx, c, w, conn, node, addr))
}

// serveAdmin serves the admin API, whose probes say whether the node is ready.
func (c ExpertNodeConfig) serveAdmin(node *expertnode.Node, by *security) (stop func(), err error) {
	if c.Security.AdminListen == "" {
		return func() {}, nil
	}
	who, err := openAccess(AccessConfig{AdminConfig: c.Security.AdminConfig}, c.Logger)
	if err != nil {
		return nil, err
	}
	stopAPI, err := adminAPI{routes: processRoutes(), gate: who.gate, source: by.source, logger: c.Logger, ready: node.Ready}.start(c.Security.AdminConfig)
	if err != nil {
		who.close()
		return nil, err
	}
	return func() { stopAPI(); who.close() }, nil
}

// serve lets routers call the node, over gRPC or inside this process.
func (c ExpertNodeConfig) serve(node *expertnode.Node, w weights, by *security) (nodeServer, string, error) {
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
	return serveExperts(rpc.Spin(bound, c.BusyPoll), rpc.ServerConfig{
		Handler: c.handler(node), Node: id, Fingerprint: w.fingerprint, RowBytes: w.rowBytes(), MaxPayload: w.maxPayload(), Logger: c.Logger,
		Caller: by.caller(),
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

func serveExperts(l net.Listener, c rpc.ServerConfig, secure []grpc.ServerOption, log *slog.Logger) *expertServer {
	options := slices.Concat(rpc.ServerOptions(c.MaxPayload), secure)
	s := &expertServer{grpc: grpcserver.New(log, options...), experts: rpc.NewServer(c), health: health.NewServer()}
	hachiv1.RegisterExpertServiceServer(s.grpc, s.experts)
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
			ExpertBytes: uint64(w.expertBytes()), GossipAddr: n.gossipAddr(), Zone: c.Zone,
		})
		return nodeSession{session, ctx}, expertnode.Watches{
			Target: n.registry.WatchTarget(watch), Placement: n.registry.WatchPlacement(watch), Routers: n.registry.WatchRouters(watch),
		}, nil
	})
}
