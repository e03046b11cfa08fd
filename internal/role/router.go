package role

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/api"
	"github.com/hachi-serve/hachi/internal/api/admission"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/api/server"
	"github.com/hachi-serve/hachi/internal/cluster/gossip"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/episode"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/metrics"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/internal/transport/peers"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
	"github.com/hachi-serve/hachi/router"
)

// routerProcess is a router whose pieces are opened one after another.
type routerProcess struct {
	cfg        RouterConfig
	core       *Core
	text       textStack
	attributes chat.Attributes // defaults of the chat template
	sampling   completion.SamplingDefaults
	engine     *engine.Engine
	metrics    *metrics.Metrics
	http, grpc listener
	access     *access
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
	if err := c.limitHeap(int64(core.Blocks) * core.Dense.KVBlockBytes()); err != nil {
		return err
	}
	who, err := openAccess(c.Security.AccessConfig, c.Logger)
	if err != nil {
		return err
	}
	defer who.close()
	p := &routerProcess{cfg: c, core: core, metrics: metrics.New(), access: who}
	if err := p.openText(); err != nil {
		return err
	}
	ctx, guard, unguard := guardWeights(ctx, core.weights.ckpt, c.Logger)
	defer unguard()
	p.makeEngine(guard)
	stop, err := p.admin().start(c.Security.AdminConfig)
	if err != nil {
		return err
	}
	defer stop()
	if err := p.listen(); err != nil {
		return err
	}
	return guard.end(p.serve(ctx))
}

// openText reads the tokenizer and the chat template, and checks the template's
// defaults.
func (p *routerProcess) openText() (err error) {
	if p.text, err = openTextStack(p.cfg.Dir, p.core.Model); err != nil {
		return err
	}
	if p.sampling, err = readSamplingDefaults(p.cfg.Dir, p.cfg.Serving.GenerationConfig); err != nil {
		return &ConfigError{Err: err}
	}
	if p.attributes, err = p.cfg.Serving.attributes(); err != nil {
		return &ConfigError{Err: err}
	}
	if err := p.text.template.CheckAttributes(p.attributes); err != nil {
		return &ConfigError{Err: &FieldError{Field: "serving.attributes", Err: err}}
	}
	return nil
}

// makeEngine joins the model with the scheduler, and both with the metrics.
func (p *routerProcess) makeEngine(guard *weightsGuard) {
	core, s := p.core, p.cfg.Serving
	runner := pipeline.New(core.Model, core.Dense, core.Dispatcher, pipeline.MicroBatcher{Max: pipeline.MaxMicroBatches, Fixed: s.MicroBatches})
	p.engine = engine.New(engine.Config{
		Model: core.Model, Vocab: p.text.tokenizer.Vocab(), Forward: guardedModel{runner, guard}, Blocks: core.Blocks, PrefixCache: s.PrefixCache, Speculate: s.SpeculativeTokens,
		Changed: core.Dispatcher.Changed, Logger: p.cfg.Logger, Step: p.metrics.Step, Queued: p.metrics.Queued,
		Limits: scheduler.Limits{
			StepTokens: p.cfg.stepTokens(), MaxSequences: core.MaxSequences, MaxWaiting: s.MaxQueued,
			MaxWaitingTokens: 4 * core.Blocks * model.BlockSize, MaxStepSlowdown: s.maxStepSlowdown(),
		},
	})
	p.metrics.Collect(
		metrics.Engine(p.engine.Stats), metrics.Dispatch(core.Dispatcher), metrics.MicroBatches(runner.Decision),
		metrics.Experts(core.Dispatcher.Counts, core.Model.Topology(), s.MetricsTopExperts),
	)
	if p.access.gate.Clients != nil {
		p.metrics.Collect(keys.Collector(p.access.gate.Clients))
	}
}

// admin is the admin API.
func (p *routerProcess) admin() adminAPI {
	return adminAPI{
		routes: map[string]httpapi.Methods{"/metrics": {http.MethodGet: p.metrics.Handler().ServeHTTP}},
		gate:   p.access.gate, source: p.core.security.source, logger: p.cfg.Logger,
	}
}

// listen opens both listeners, or none.
func (p *routerProcess) listen() (err error) {
	if p.http, err = listen(p.cfg.Listen, p.cfg.Advertise); err != nil {
		return &ConfigError{Err: &FieldError{Field: "listen", Err: err}}
	}
	if p.grpc, err = listen(p.cfg.GRPC, p.cfg.AdvertiseGRPC); err != nil {
		return &ConfigError{Err: errors.Join(&FieldError{Field: "grpc", Err: err}, p.http.Close())}
	}
	return nil
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
	serving, end := context.WithCancel(ctx)
	defer end()
	refused := make(chan error, 1)
	go func() { // the APIs answer while etcd is away
		err := conn.named(serving)
		if serving.Err() != nil {
			err = nil
		}
		if err != nil {
			end()
		}
		refused <- err
	}()
	err = router.Run(serving, router.Config{
		Config: server.Config{
			API: p.api(), HTTP: peers.Bound(p.http.Listener, peers.MaxConnections), TLS: p.access.tls(), GRPC: peers.Bound(p.grpc.Listener, peers.MaxConnections),
			ServerOptions: p.core.security.clients(p.cfg.Logger), Logger: p.cfg.Logger,
		},
		Engine: p.engine, Dispatcher: p.core.Dispatcher,
		Placements: conn.registry.WatchPlacement(watch),
		Session: conn.registry.RegisterRouter(watch, &hachiv1.RouterRecord{
			RouterId: p.cfg.ID, HttpAddr: p.http.advertised, GrpcAddr: p.grpc.advertised, GossipAddr: conn.gossipAddr(),
			Fingerprint: string(p.core.weights.fingerprint), Context: uint32(p.engine.MaxTokens()), MaxRequests: uint32(p.maxRequests()),
		}),
	})
	end()
	return errors.Join(err, <-refused)
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
	name := p.cfg.Serving.ModelName
	if name == "" {
		name = filepath.Base(filepath.Clean(p.cfg.Dir))
	}
	return api.Config{
		Config: httpapi.Config{Service: completion.Service{
			Model: name, Fingerprint: string(p.core.weights.fingerprint),
			Completer: &completion.Completer{
				Engine:    completion.Local{Engine: p.engine, Grammars: completion.NewGrammars(p.text.tokenizer, grammar.DefaultLimits())},
				Tokenizer: p.text.tokenizer, StopTokens: p.text.eosTokens, Context: p.engine.MaxTokens(),
				Observe: completion.Observer{FirstToken: p.metrics.FirstToken, NextToken: p.metrics.NextToken},
			},
			Template: p.text.template, Attributes: p.attributes, Sampling: &p.sampling, Budget: admission.Default(), MaxChoices: p.maxRequests(),
			RetryAfter: p.engine.RetryAfter, Deadline: p.cfg.Serving.RequestDeadline, Done: p.metrics.Request, Logger: p.cfg.Logger,
		}, Heartbeat: p.cfg.Serving.StreamHeartbeat, Origins: p.cfg.Serving.CORSOrigins,
			Gate: p.access.gate, Local: IsLoopback(p.http.Addr().String()), Hosts: p.cfg.Security.AllowedHosts},
		Metrics: p.metrics.Handler(),
	}
}

// maxRequests is how many requests the engine holds at most.
func (p *routerProcess) maxRequests() int { return p.core.MaxSequences + p.cfg.Serving.MaxQueued }

// dispatcher sends rows over a transport.
func (c RouterConfig) dispatcher(w weights, by moe.Transport) *dispatch.Dispatcher {
	faults := episode.New(c.Logger, slog.LevelWarn, "failing over expert calls", "expert calls are answered again", "node", episode.Flapping)
	return dispatch.New(dispatch.Config{
		Transport: by, Fingerprint: w.fingerprint, Wire: w.numerics.Wire,
		Hidden: w.cfg.Hidden, Topology: w.cfg.Topology(), Local: onThisHost(), DisableHedging: c.Serving.DisableHedging,
		OnFailover: func(node moe.NodeID, kind moe.Kind, rows int) {
			faults.Failed(string(node), "kind", kind.String(), "rows", rows)
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
