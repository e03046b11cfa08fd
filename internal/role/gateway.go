package role

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"strings"

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
	passed     map[string]bool // routers that are passed over
	watched    *watched
}

// RunGateway runs a gateway until ctx ends. It serves when it knows a router: what the
// routers serve is what the gateway serves.
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
	p = &gatewayProcess{cfg: c, pool: remote.NewPool(), passed: map[string]bool{}}
	if p.front, err = openFront(dir, model, c.Serving.APIConfig); err != nil {
		return nil, err
	}
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
	records := conn.registry.WatchRouters(watch)
	model, err := p.elect(serving, records)
	if err != nil {
		if serving.Err() != nil { // ctx has ended, or the name was refused
			err = nil
		}
		return errors.Join(err, end(), p.http.Close(), p.grpc.Close())
	}
	wait.serve(model)
	engine := remote.New(remote.Config{
		Caller: p.conns, Pool: p.pool, Model: model, Vocab: p.front.text.tokenizer.Vocab(), Silence: p.cfg.Serving.RouterTimeout, MaxRequests: p.cfg.Serving.MaxRequests,
		Grammars: p.front.grammars(), Moved: p.moved, Stalled: p.metrics.Stalled, Drawn: p.metrics.Drawn, Logger: p.cfg.Logger,
	})
	clients := p.clientSide()
	clients.api = p.api(journal.Engine{Engine: engine, Journal: p.watched.self.Journal}, model)
	defer p.watched.watch(serving, conn.registry, clients.api.Service)()
	err = gateway.Run(serving, gateway.Config{
		Config: clients.server(),
		Engine: engine, Routers: routersOf{p, model}, Records: records,
		Session: conn.registry.RegisterGateway(watch, &hachiv1.GatewayRecord{
			GatewayId: p.cfg.ID, HttpAddr: p.http.advertised, GrpcAddr: p.grpc.advertised, GossipAddr: conn.gossipAddr(),
			Fingerprint: model.Fingerprint, TextDigest: model.Texts,
		}),
	})
	return errors.Join(err, end())
}

// elect waits until routers take requests, and returns what most of them serve. It is
// an error if all of them have other texts for gateway.OthersAfter.
func (p *gatewayProcess) elect(ctx context.Context, records <-chan []*hachiv1.RouterRecord) (balance.Model, error) {
	var patience gateway.Patience
	for {
		if m, ok := p.pool.Elect(p.front.text.digest); ok {
			return m, nil
		}
		others := p.others()
		select {
		case <-patience.Ends(others):
			return balance.Model{}, others
		case seen, ok := <-records:
			if !ok {
				return balance.Model{}, context.Canceled
			}
			p.update(seen)
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

// update takes the records of routers. A router without a placement takes no
// requests.
func (p *gatewayProcess) update(records []*hachiv1.RouterRecord) {
	var all []balance.Router
	for _, r := range records {
		all = append(all, balance.Router{
			ID: r.GetRouterId(), Addr: r.GetGrpcAddr(), Fingerprint: r.GetFingerprint(), Context: int(r.GetContext()),
			Texts: r.GetTextDigest(), Load: int(r.GetLoad()), Draining: r.GetDraining() || r.GetAckedEpoch() == 0,
		})
	}
	p.pool.Update(all)
	p.tellOthers(all)
	if err := p.conns.Keep(maps.Keys(p.pool.Load().Running)); err != nil {
		p.cfg.Logger.Debug("connections to routers", "err", err)
	}
}

// tellOthers logs once that a router is passed over.
func (p *gatewayProcess) tellOthers(all []balance.Router) {
	for _, r := range all {
		other := r.Texts != p.front.text.digest
		if other && !p.passed[r.ID] {
			p.cfg.Logger.Warn("a router is passed over, its tokenizer or chat template differs", "router", r.ID)
		}
		p.passed[r.ID] = other
	}
}

// others is why the gateway can serve no router that takes requests; nil if it can, or
// if there are none. A restart serves another model, but not other texts.
func (p *gatewayProcess) others() error {
	var names []string
	for _, r := range p.pool.Serving() {
		if r.Texts == p.front.text.digest {
			return nil
		}
		names = append(names, r.ID)
	}
	if len(names) == 0 {
		return nil
	}
	return &ConfigError{Err: &FieldError{Field: "model.dir", Err: fmt.Errorf("the tokenizer or the chat template in %s is not that of %s, "+
		"and no other router takes requests: copy the tokenizer and template files of the model that the routers serve there, or give their directory",
		p.cfg.Model.Dir, strings.Join(names, ", "))}}
}

// errOtherModel means that the routers serve another model than the gateway.
var errOtherModel = errors.New("every router serves another model, or another format of it, than this gateway: a restart serves that one")

// routersOf are the routers of a gateway that serves a model.
type routersOf struct {
	p     *gatewayProcess
	model balance.Model
}

func (r routersOf) Update(records []*hachiv1.RouterRecord) { r.p.update(records) }
func (r routersOf) Ready() bool                            { return r.p.pool.Ready(r.model) }

// Others implements gateway.Routers.
func (r routersOf) Others() error {
	if r.Ready() || len(r.p.pool.Serving()) == 0 {
		return nil
	}
	return cmp.Or(r.p.others(), errOtherModel)
}
