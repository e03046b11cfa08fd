package role

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"

	"github.com/hachi-serve/hachi/gateway"
	"github.com/hachi-serve/hachi/internal/api"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/cluster/gossip"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/gateway/balance"
	"github.com/hachi-serve/hachi/internal/gateway/metrics"
	"github.com/hachi-serve/hachi/internal/gateway/remote"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/journal"
	"github.com/hachi-serve/hachi/internal/metric"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/internal/tracing"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// gatewayProcess is a gateway whose pieces are opened one after another.
type gatewayProcess struct {
	cfg        GatewayConfig
	security   *security
	access     *access
	front      front
	pool       *remote.Pool
	conns      *remote.Conns
	metrics    *metrics.Metrics
	tracer     *tracing.Tracer
	http, grpc listener
	routers    *clusterRouters
	watched    *watched
}

// RunGateway runs a gateway until ctx ends. It serves when it knows a router of the model
// that the cluster's placement is for.
func RunGateway(ctx context.Context, c GatewayConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c.silence()
	if _, err := c.limitProcess(0); err != nil {
		return err
	}
	p, err := openGateway(ctx, c)
	if err != nil {
		return err
	}
	defer p.close()
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

// openGateway reads the files of a gateway, and follows them until close.
func openGateway(ctx context.Context, c GatewayConfig) (p *gatewayProcess, err error) {
	dir, model, err := c.Model.open(ctx, c.Logger)
	if err != nil {
		return nil, err
	}
	p = &gatewayProcess{cfg: c, pool: remote.NewPool()}
	if p.front, err = openFront(dir, model, c.Serving.APIConfig); err != nil {
		return nil, err
	}
	p.routers = newClusterRouters(p.pool, balance.Model{Texts: p.front.text.digest, Context: model.MaxContext}, c.Model.Dir, c.Logger)
	if p.security, err = openSecurity(c.Security.SecurityConfig, c.ClusterConfig, identity.Gateway); err != nil {
		return nil, err
	}
	if p.access, err = openAccess(c.Security.AccessConfig, c.Logger); err != nil {
		p.security.close()
		return nil, err
	}
	if p.tracer, err = c.openTracer(c.Tracing, metric.Gateway); err != nil {
		p.access.close()
		p.security.close()
		return nil, err
	}
	p.conns = remote.NewConns(p.security.routers(), p.tracer.DialOptions()...)
	p.metrics = metrics.New(p.pool.Load)
	p.metrics.Collect(p.security.certificates(p.access))
	p.watched = newWatched(status.Self{Role: status.GatewayRole, ID: c.ID, Describe: p.describe, Journal: &journal.Journal{}}, p.security)
	p.watched.traces = c.Tracing
	if p.access.gate.Clients != nil {
		p.metrics.Collect(keys.Collector(p.access.gate.Clients))
	}
	return p, nil
}

// close gives up what openGateway opened.
func (p *gatewayProcess) close() {
	if err := p.conns.Close(); err != nil {
		p.cfg.Logger.Debug("connections to routers", "err", err)
	}
	p.tracer.Close()
	p.access.close()
	p.security.close()
}

// routers makes the configuration of connections to routers; nil is plaintext.
func (s *security) routers() func(router string) *tls.Config {
	if s.source == nil {
		return nil
	}
	return func(router string) *tls.Config { return s.source.ClientTLS(identity.Router, router) }
}

// clientSide is what clients and admins reach.
func (p *gatewayProcess) clientSide() clientSide {
	return clientSide{
		http: p.http, grpc: p.grpc, access: p.access, security: p.security, metrics: p.metrics.Handler(), tracer: p.tracer, logger: p.cfg.Logger, watched: p.watched,
	}
}

// api configures the HTTP and gRPC APIs over the routers of a model.
func (p *gatewayProcess) api(over completion.Engine, m balance.Model) api.Config {
	return p.front.api(p.cfg.Model.Dir, p.cfg.Serving.APIConfig, served{
		engine: over, fingerprint: m.Fingerprint, context: m.Context, maxRequests: p.cfg.Serving.MaxRequests, retryAfter: p.pool.RetryAfter,
		requests: p.metrics.Requests, metrics: p.metrics.Handler(), logger: p.cfg.Logger,
	}, p.cfg.Security, p.access, p.http)
}

// describe is what the gateway says to consoles.
func (p *gatewayProcess) describe(after uint64) status.Process {
	out, load := status.Process{Snapshot: p.watched.self.Journal.Snapshot(after)}, p.pool.Load()
	out.Queue = load.Waiting
	for _, n := range load.Running {
		out.Load += n
	}
	return out
}

// moved notes that an answer leaves a router.
func (p *gatewayProcess) moved(request, router, reason string) {
	p.metrics.Moved(reason)
	p.watched.self.Journal.Note(journal.Cause{Text: fmt.Sprintf("moved from %s to another router: %s", router, reason), Request: request, Blocks: true})
}

// serve joins the cluster, waits for a router, and serves until ctx ends. It closes
// the listeners.
func (p *gatewayProcess) serve(ctx context.Context) error {
	conn, err := join(p.cfg.ClusterConfig, p.security, registry.GatewayRole, p.observe)
	if err != nil {
		return errors.Join(err, p.http.Close(), p.grpc.Close())
	}
	defer conn.leave(p.cfg.Logger)
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	serving, end := conn.unlessRefused(ctx)
	wait := &routerWait{pool: p.pool}
	defer wait.watch(serving, p.cfg.Logger)()
	records, placements := conn.registry.WatchRouters(watch), conn.registry.WatchPlacement(watch)
	model, err := p.elect(serving, wait, records, placements)
	if err != nil {
		if serving.Err() != nil { // ctx has ended, or the name was refused
			err = nil
		}
		return errors.Join(err, end(), p.http.Close(), p.grpc.Close())
	}
	defer p.routers.follow(watch, placements)()
	defer stop()
	engine := remote.New(remote.Config{
		Caller: p.conns, Pool: p.pool, Model: model, Vocab: p.front.text.tokenizer.Vocab(), Silence: p.cfg.Serving.RouterTimeout, MaxRequests: p.cfg.Serving.MaxRequests,
		Grammars: p.front.grammars(), Moved: p.moved, Stalled: p.metrics.Stalled, Drawn: p.metrics.Drawn, Logger: p.cfg.Logger,
	})
	clients := p.clientSide()
	clients.api = p.api(journal.Engine{Engine: engine, Journal: p.watched.self.Journal}, model)
	defer p.watched.watch(serving, conn.registry, clients.api.Service)()
	err = gateway.Run(serving, gateway.Config{
		Config: clients.server(),
		Engine: engine, Routers: p.routersOf(model), Records: records,
		Session: conn.registry.RegisterGateway(watch, &hachiv1.GatewayRecord{
			GatewayId: p.cfg.ID, HttpAddr: p.http.advertised, GrpcAddr: p.grpc.advertised, GossipAddr: conn.gossipAddr(),
			Fingerprint: model.Fingerprint, TextDigest: model.Texts,
		}),
	})
	return errors.Join(err, end())
}

// elect waits until routers take requests for the model of the placement, and returns it as
// they serve it. It is an error if all routers have other texts for gateway.OthersAfter.
func (p *gatewayProcess) elect(ctx context.Context, wait *routerWait, records <-chan []*hachiv1.RouterRecord, placements <-chan *moe.Placement) (balance.Model, error) {
	var patience gateway.Patience
	for {
		if m, ok := p.routers.elect(); ok {
			wait.serve(m)
			return m, nil
		}
		others := p.routers.others()
		select {
		case <-patience.Ends(others):
			return balance.Model{}, others
		case seen, ok := <-records:
			if !ok {
				return balance.Model{}, context.Canceled
			}
			p.update(seen)
		case placement, ok := <-placements:
			if !ok {
				return balance.Model{}, context.Canceled
			}
			p.routers.place(placement)
			wait.serve(balance.Model{Fingerprint: string(placement.Fingerprint()), Texts: p.front.text.digest})
		case <-ctx.Done():
			return balance.Model{}, ctx.Err()
		}
	}
}

// observe hands what gossip says of routers to the pool.
func (p *gatewayProcess) observe(c gossip.Change) {
	if c.Role == registry.RouterRole {
		p.pool.Suspect(c.Name, c.State != gossip.Alive)
	}
}

// update takes the records of routers, and closes the connections to those that have gone.
func (p *gatewayProcess) update(records []*hachiv1.RouterRecord) {
	p.routers.update(records)
	if err := p.conns.Keep(maps.Keys(p.pool.Load().Running)); err != nil {
		p.cfg.Logger.Debug("connections to routers", "err", err)
	}
}

// routersOf are the routers of a gateway that serves a model, which keeps connections to
// them.
func (p *gatewayProcess) routersOf(m balance.Model) gateway.Routers { return routersOf{p, m} }

type routersOf struct {
	p     *gatewayProcess
	model balance.Model
}

func (r routersOf) Update(records []*hachiv1.RouterRecord) { r.p.update(records) }
func (r routersOf) Ready() bool                            { return r.p.pool.Ready(r.model) }
func (r routersOf) Others() error                          { return r.p.routers.othersOf(r.model) }
