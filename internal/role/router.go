package role

import (
	"context"
	"fmt"
	"net"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/openai"
	"github.com/hachi-serve/hachi/internal/cluster/gossip"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/metrics"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
	"github.com/hachi-serve/hachi/router"
)

// stretch is how much longer prefill may make a step than its decodes alone:
// token gaps stay under twice the undisturbed.
const stretch = 1.7

// language is a checkpoint's text side.
type language struct {
	tokenizer *tokenizer.Tokenizer
	template  *chat.Template
	ends      []int32 // tokens that end an answer
}

// openLanguage refuses at start what could not be honoured later.
func openLanguage(dir string, cfg model.Config) (language, error) {
	t, err := tokenizer.Load(dir)
	if err != nil {
		return language{}, &ConfigError{Err: err}
	}
	if t.Vocab() != cfg.Vocab {
		return language{}, &ConfigError{Err: fmt.Errorf("%s: the tokenizer has %d tokens, config.json has a vocab_size of %d", dir, t.Vocab(), cfg.Vocab)}
	}
	template, err := chat.Load(dir, t)
	if err != nil {
		return language{}, &ConfigError{Err: err}
	}
	ends, err := answerEnds(dir, cfg)
	if err != nil {
		return language{}, &ConfigError{Err: err}
	}
	return language{t, template, ends}, nil
}

// RunRouter runs a router until ctx ends.
func RunRouter(ctx context.Context, c RouterConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	core, err := OpenCore(ctx, c)
	if err != nil {
		return err
	}
	defer core.Close()
	words, err := openLanguage(c.Dir, core.Model)
	if err != nil {
		return err
	}
	m := metrics.New()
	runner := pipeline.New(core.Model, core.Dense, core.Dispatcher, pipeline.MicroBatcher{Max: pipeline.MaxMicroBatches, Fixed: c.Serving.MicroBatches})
	e := engine.New(engine.Config{
		Model: core.Model, Forward: runner, Blocks: core.Blocks, PrefixCache: c.Serving.PrefixCache, Speculate: c.Serving.Speculate,
		Changed: core.Dispatcher.Changed, Logger: c.Logger, Step: m.Step, Queued: m.Queued,
		Limits: scheduler.Limits{
			StepTokens: maxRows, MaxSequences: core.MaxSequences, MaxWaiting: c.Serving.MaxQueue,
			MaxWaitingTokens: 4 * core.Blocks * model.BlockSize, Stretch: stretch,
		},
	})
	m.Collect(
		metrics.Engine(e.Stats), metrics.Dispatch(core.Dispatcher), metrics.MicroBatches(runner.Decision),
		metrics.Experts(core.Dispatcher.Counts, core.Model.Topology(), 0),
	)
	return c.serve(ctx, core, words, e, m)
}

// dispatcher sends rows over a transport.
func (c RouterConfig) dispatcher(w weights, by moe.Transport) *dispatch.Dispatcher {
	return dispatch.New(dispatch.Config{
		Transport: by, Fingerprint: w.fingerprint, Wire: w.numerics.Wire,
		Hidden: w.cfg.Hidden, Topology: w.cfg.Topology(), Local: onThisHost(), Patient: c.Patient,
		Events: dispatch.Events{Failover: func(node moe.NodeID, kind moe.Kind, rows int) {
			c.Logger.Warn("rows are asked for elsewhere", "node", node, "kind", kind.String(), "rows", rows)
		}},
	})
}

// onThisHost tells addresses of this host from others, by the interfaces it has
// now.
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

// serve opens the listeners, joins the cluster and runs.
func (c RouterConfig) serve(ctx context.Context, core *Core, words language, e *engine.Engine, m *metrics.Metrics) error {
	d := core.Dispatcher
	neighbours, err := meet(c.ClusterConfig, "router", func(ch gossip.Change) {
		if ch.Role == "expertnode" && ch.State == gossip.Alive {
			d.Trust(moe.NodeID(ch.Name))
		} else if ch.Role == "expertnode" {
			d.Suspect(moe.NodeID(ch.Name))
		}
	})
	if err != nil {
		return err
	}
	defer neighbours.part(c.Logger)
	web, webAddr, err := listen(c.Listen, c.Advertise)
	if err != nil {
		return &ConfigError{Err: err}
	}
	rpcListener, rpcAddr, err := listen(c.GRPC, c.AdvertiseGRPC)
	if err != nil {
		return &ConfigError{Err: err}
	}
	attributes, err := c.Serving.attributes()
	if err == nil {
		err = words.template.CheckAttributes(attributes)
	}
	if err != nil {
		return &ConfigError{Err: err}
	}
	name := c.Serving.ModelName
	if name == "" {
		name = filepath.Base(filepath.Clean(c.Dir))
	}
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	return router.Run(ctx, router.Config{
		Engine: e, Dispatcher: d,
		API: openai.Config{
			Service: completion.Service{
				Completer: &completion.Completer{
					Engine: e, Tokenizer: words.tokenizer, StopTokens: words.ends, Context: e.MaxTokens(),
					Grammars: completion.NewGrammars(words.tokenizer, grammar.DefaultLimits()), Observe: m.Observer(),
				},
				Template: words.template, Attributes: attributes, Deadline: c.Serving.RequestDeadline, Done: m.Request, Logger: c.Logger,
			},
			Model: name, Fingerprint: string(core.weights.fingerprint), MaxChoices: core.MaxSequences + c.Serving.MaxQueue,
			RetryAfter: e.RetryAfter, Metrics: m.Handler(),
		},
		Session: neighbours.registry.RegisterRouter(watch, &hachiv1.RouterRecord{
			RouterId: c.ID, HttpAddr: webAddr, GrpcAddr: rpcAddr, Fingerprint: string(core.weights.fingerprint), GossipAddr: neighbours.gossipAddr(),
		}),
		Placements: neighbours.registry.WatchPlacement(watch), HTTP: web, GRPC: rpcListener, Logger: c.Logger,
	})
}
