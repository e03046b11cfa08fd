package role

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/hachi-serve/hachi/internal/api"
	"github.com/hachi-serve/hachi/internal/api/admission"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/server"
	"github.com/hachi-serve/hachi/internal/histograms"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/internal/tracing"
	"github.com/hachi-serve/hachi/internal/transport/peers"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// front turns requests into tokens and tokens into answers: the text files of a
// checkpoint, and the defaults of requests.
type front struct {
	text       textStack
	attributes chat.Attributes // defaults of the chat template
	sampling   completion.SamplingDefaults
}

// openFront reads the tokenizer and the chat template, and checks the template's
// defaults.
func openFront(dir string, cfg model.Config, a APIConfig) (f front, err error) {
	if f.text, err = openTextStack(dir, cfg); err != nil {
		return f, err
	}
	if f.sampling, err = readSamplingDefaults(dir, a.GenerationConfig); err != nil {
		return f, &ConfigError{Err: err}
	}
	if f.attributes, err = a.attributes(); err != nil {
		return f, &ConfigError{Err: err}
	}
	if err := f.text.template.CheckAttributes(f.attributes); err != nil {
		return f, &ConfigError{Err: &FieldError{Field: "serving.attributes", Err: err}}
	}
	return f, nil
}

// grammars compile the languages of answers.
func (f front) grammars() *completion.Grammars {
	return completion.NewGrammars(f.text.tokenizer, grammar.DefaultLimits())
}

// clientSide is what clients and admins reach of a router or a gateway.
type clientSide struct {
	api        api.Config
	http, grpc listener
	access     *access
	security   *security
	metrics    http.Handler
	tracer     *tracing.Tracer
	watched    *watched
	logger     *slog.Logger
}

// server configures the listeners of clients.
func (c clientSide) server() server.Config {
	return server.Config{
		API: c.api, HTTP: peers.Bound(c.http.Listener, peers.MaxConnections), TLS: c.access.tls(), GRPC: peers.Bound(c.grpc.Listener, peers.MaxConnections),
		ServerOptions: slices.Concat(c.security.clients(c.access.gate, c.logger), c.tracer.ServerOptions()), Register: c.watched.register, Wrap: c.tracer.HTTP, Logger: c.logger,
	}
}

// admin is the admin API.
func (c clientSide) admin() adminAPI {
	return adminAPI{
		routes:   map[string]httpapi.Methods{"/metrics": {http.MethodGet: c.metrics.ServeHTTP}},
		services: offered{hachiv1.InferenceService_ServiceDesc, hachiv1.ProcessService_ServiceDesc, healthpb.Health_ServiceDesc},
		gate:     c.access.gate, source: c.security.source, console: c.watched.console, logger: c.logger,
	}
}

// served is an engine, as its APIs see it.
type served struct {
	engine      completion.Engine
	fingerprint string
	context     int // the longest sequence, tokens
	maxRequests int // at once, running and waiting
	retryAfter  func() time.Duration
	requests    *histograms.Requests
	metrics     http.Handler // of /metrics
	logger      *slog.Logger
}

// api configures the HTTP and gRPC APIs over an engine.
func (f front) api(dir string, a APIConfig, s served, by RouterSecurity, who *access, http listener) api.Config {
	name := a.ModelName
	if name == "" {
		name = filepath.Base(filepath.Clean(dir))
	}
	return api.Config{
		Config: httpapi.Config{Service: completion.Service{
			Model: name, Fingerprint: s.fingerprint,
			Completer: &completion.Completer{
				Engine: s.engine, Tokenizer: f.text.tokenizer, StopTokens: f.text.eosTokens, Context: s.context,
				Observe: completion.Observer{FirstToken: s.requests.FirstToken, NextToken: s.requests.NextToken},
			},
			Template: f.text.template, Attributes: f.attributes, Sampling: &f.sampling, Budget: admission.Default(), MaxChoices: s.maxRequests,
			RetryAfter: s.retryAfter, Deadline: a.RequestDeadline, Done: s.requests.Request, Logger: s.logger,
		}, Heartbeat: a.StreamHeartbeat, Origins: a.CORSOrigins,
			Gate: who.gate, Local: IsLoopback(http.Addr().String()), Hosts: by.AllowedHosts},
		Metrics: s.metrics,
	}
}
