package role

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/hachi-serve/hachi/internal/api"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/cluster/gossip"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/episode"
	"github.com/hachi-serve/hachi/internal/journal"
	"github.com/hachi-serve/hachi/internal/metric"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/metrics"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/internal/tracing"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
	"github.com/hachi-serve/hachi/router"
)

// routerProcess is a router whose pieces are opened one after another.
type routerProcess struct {
	cfg        RouterConfig
	core       *Core
	front      front
	engine     *engine.Engine
	metrics    *metrics.Metrics
	http, grpc listener
	access     *access
	tracer     *tracing.Tracer
	watched    *watched
}

// RunRouter runs a router until ctx ends. The process joins the cluster last:
// nothing of its configuration can fail any more then.
func RunRouter(ctx context.Context, c RouterConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c.silence()
	core, err := OpenCore(ctx, c)
	if err != nil {
		return err
	}
	defer core.Close()
	if _, err := c.limitProcess(core.reserved()); err != nil {
		return err
	}
	who, err := openAccess(c.Security.AccessConfig, c.Logger)
	if err != nil {
		return err
	}
	defer who.close()
	tracer, err := c.openTracer(c.Tracing, metric.Router)
	if err != nil {
		return err
	}
	defer tracer.Close()
	p := &routerProcess{cfg: c, core: core, metrics: metrics.New(), access: who, tracer: tracer}
	if p.front, err = openFront(core.weights.texts, core.Model, c.Serving.APIConfig); err != nil {
		return err
	}
	ctx, guard, unguard := guardWeights(ctx, core.weights.ckpt, c.Logger)
	defer unguard()
	ctx, lost := guardDevice(ctx, core.Dense, c.Logger)
	p.makeEngine(guardedModel{guard: guard, device: lost})
	p.watched = newWatched(status.Self{Role: status.RouterRole, ID: c.ID, Describe: p.describe, Journal: core.journal}, core.security)
	p.watched.traces = c.Tracing
	return lost.end(guard.end(p.run(ctx)))
}

// run listens, joins the cluster and serves until ctx ends.
func (p *routerProcess) run(ctx context.Context) error {
	c := p.cfg
	stop, err := p.clientSide().admin().start(c.Security.AdminConfig)
	if err != nil {
		return err
	}
	defer stop()
	if p.http, p.grpc, err = listenBoth(c.Listen, c.Advertise, c.GRPC, c.AdvertiseGRPC); err != nil {
		return err
	}
	return p.serve(ctx)
}

// makeEngine joins the model with the scheduler, and both with the metrics.
func (p *routerProcess) makeEngine(guarded guardedModel) {
	core, s := p.core, p.cfg.Serving
	runner := pipeline.New(core.Model, core.Dense, core.Dispatcher, pipeline.MicroBatcher{Max: pipeline.MaxMicroBatches, Fixed: s.MicroBatches})
	guarded.Model = runner
	p.engine = engine.New(engine.Config{
		Model: core.Model, Vocab: p.front.text.tokenizer.Vocab(), Forward: notedModel{guarded, core.journal}, Blocks: core.Blocks, PrefixCache: s.PrefixCache, Speculate: s.SpeculativeTokens,
		Changed: core.Dispatcher.Changed, Logger: p.cfg.Logger, Step: p.metrics.Step,
		Queued: func(request context.Context, wait time.Duration) { p.metrics.Queued(wait, completion.TraceOf(request)) },
		Limits: scheduler.Limits{
			StepTokens: p.cfg.stepTokens(), MaxSequences: core.MaxSequences, MaxWaiting: s.MaxQueued,
			MaxWaitingTokens: 4 * core.Blocks * model.BlockSize, MaxStepSlowdown: s.maxStepSlowdown(),
		},
	})
	p.metrics.Collect(
		metrics.Engine(p.engine.Stats), metrics.Dispatch(core.Dispatcher), metrics.MicroBatches(runner.Decision),
		metrics.Experts(core.Dispatcher.Counts, core.Model.Topology(), s.MetricsTopExperts), coreBudgetOf(core.device), core.security.certificates(p.access),
	)
	if p.access.gate.Clients != nil {
		p.metrics.Collect(keys.Collector(p.access.gate.Clients))
	}
}

// clientSide is what clients and admins reach.
func (p *routerProcess) clientSide() clientSide {
	return clientSide{
		http: p.http, grpc: p.grpc, access: p.access, security: p.core.security, metrics: p.metrics.Handler(), tracer: p.tracer, logger: p.cfg.Logger, watched: p.watched,
	}
}

// describe is what the router says to consoles.
func (p *routerProcess) describe(after uint64) status.Process {
	s := p.engine.Stats()
	return status.Process{
		Load: s.Running, Queue: s.Waiting, KVUsage: float64(s.BlocksUsed) / float64(max(1, s.BlocksTotal)),
		Weights: uint64(p.core.weights.ckpt.DenseBytes()), KV: uint64(p.core.reserved() - p.core.fetched),
		Hops: hopsOf(p.core.Dispatcher.Nodes()), Snapshot: p.core.journal.Snapshot(after),
	}
}

// serve joins the cluster and serves until ctx ends. It closes the listeners.
func (p *routerProcess) serve(ctx context.Context) error {
	conn, err := join(p.cfg.ClusterConfig, p.core.security, registry.RouterRole, p.observe)
	if err != nil {
		return errors.Join(err, p.http.Close(), p.grpc.Close())
	}
	defer conn.leave(p.cfg.Logger)
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	serving, end := conn.unlessRefused(ctx)
	clients := p.clientSide()
	clients.api = p.api()
	defer p.watched.watch(serving, conn.registry, clients.api.Service)()
	err = router.Run(serving, router.Config{
		Config: clients.server(),
		Engine: p.engine, Dispatcher: p.core.Dispatcher,
		Placements: conn.registry.WatchPlacement(watch),
		Session: conn.registry.RegisterRouter(watch, &hachiv1.RouterRecord{
			RouterId: p.cfg.ID, HttpAddr: p.http.advertised, GrpcAddr: p.grpc.advertised, GossipAddr: conn.gossipAddr(),
			Fingerprint: string(p.core.weights.fingerprint), Context: uint32(p.engine.MaxTokens()), MaxRequests: uint32(p.maxRequests()),
			TextDigest: p.front.text.digest,
		}),
		Load: conn.registry.RegisterLoad(watch, &hachiv1.RouterLoad{RouterId: p.cfg.ID, Fingerprint: string(p.core.weights.fingerprint)}),
	})
	return errors.Join(err, end())
}

// observe hands what gossip says of expert nodes to the dispatcher.
func (p *routerProcess) observe(c gossip.Change) {
	switch node := moe.NodeID(c.Name); {
	case c.Role != registry.ExpertNodeRole:
	case c.State == gossip.Alive:
		p.core.Dispatcher.Trust(node)
	default:
		p.core.Dispatcher.Suspect(node)
	}
}

// api configures the HTTP and gRPC APIs.
func (p *routerProcess) api() api.Config {
	return p.front.api(p.cfg.Dir, p.cfg.Serving.APIConfig, served{
		engine:      journal.Engine{Engine: completion.Local{Engine: p.engine, Grammars: p.front.grammars()}, Journal: p.core.journal},
		fingerprint: string(p.core.weights.fingerprint), context: p.engine.MaxTokens(), maxRequests: p.maxRequests(), retryAfter: p.engine.RetryAfter,
		requests: p.metrics.Requests, metrics: p.metrics.Handler(), logger: p.cfg.Logger,
	}, p.cfg.Security, p.access, p.http)
}

// maxRequests is how many requests the engine holds at most.
func (p *routerProcess) maxRequests() int { return p.core.MaxSequences + p.cfg.Serving.MaxQueued }

// dispatcher sends rows over a transport.
func (c RouterConfig) dispatcher(w weights, by moe.Transport, notes *journal.Journal) *dispatch.Dispatcher {
	faults := episode.New(c.Logger, slog.LevelWarn, "failing over expert calls", "expert calls are answered again", "node", episode.Flapping)
	return dispatch.New(dispatch.Config{
		Transport: by, Fingerprint: w.fingerprint, Wire: w.numerics.Wire,
		Hidden: w.cfg.Hidden, Topology: w.cfg.Topology(), Local: onThisHost(), DisableHedging: c.Serving.DisableHedging,
		OnFailover: func(node moe.NodeID, kind moe.Kind, rows int) {
			faults.Failed(string(node), "kind", kind.String(), "rows", rows)
			notes.Note(journal.Cause{Text: fmt.Sprintf("failover from %s: %v", node, kind)})
		},
		OnHedge: func(node moe.NodeID, _ int) {
			notes.Note(journal.Cause{Text: fmt.Sprintf("hedge: %s was late", node)})
		},
		OnReply: func(node moe.NodeID) { faults.Worked(string(node)) },
	})
}

// onThisHost reports whether an address is of this host, by the interfaces that
// the host has at the start.
func onThisHost() func(addr string) bool {
	own := map[string]bool{"localhost": true}
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		interfaces = nil // then none but localhost is known to be near
	}
	for _, a := range interfaces {
		if n, ok := a.(*net.IPNet); ok {
			own[n.IP.String()] = true
		}
	}
	return func(addr string) bool {
		host, _, err := net.SplitHostPort(addr)
		return err == nil && own[host]
	}
}
