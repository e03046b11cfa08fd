package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"github.com/hachi-serve/hachi/internal/episode"
	"github.com/hachi-serve/hachi/internal/version"
)

// Config says where spans go, and of how many requests.
type Config struct {
	Endpoint string  `yaml:"endpoint"` // URL of a collector, http://HOST:4317; "" traces nothing
	Ratio    float64 `yaml:"ratio"`    // share of requests that are traced, 0 to 1
	// Link is the address of the page that shows a trace, with LinkTrace where its id
	// belongs; "" is none.
	Link string `yaml:"link"`
}

// LinkTrace stands for the id of a trace.
const LinkTrace = "{trace}"

// Default traces nothing, and one request in a hundred where an endpoint is given.
func Default() Config { return Config{Ratio: 0.01} }

// CheckEndpoint finds what is wrong with the endpoint.
func (c Config) CheckEndpoint() error {
	if c.Endpoint == "" {
		return nil
	}
	if u, err := url.Parse(c.Endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("%q: want http://HOST:PORT or https://HOST:PORT", c.Endpoint)
	}
	return nil
}

// CheckLink finds what is wrong with the link.
func (c Config) CheckLink() error {
	if c.Link == "" {
		return nil
	}
	if u, err := url.Parse(strings.ReplaceAll(c.Link, LinkTrace, "0")); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || !strings.Contains(c.Link, LinkTrace) {
		return fmt.Errorf("%q: want http://HOST/PATH or https://HOST/PATH with %s in it", c.Link, LinkTrace)
	}
	return nil
}

// Page is the address of the page of a trace; "" without a link.
func (c Config) Page(id string) string { return strings.ReplaceAll(c.Link, LinkTrace, id) }

// CheckRatio finds what is wrong with the ratio.
func (c Config) CheckRatio() error {
	if c.Ratio < 0 || c.Ratio > 1 {
		return fmt.Errorf("%v: want 0 to 1", c.Ratio)
	}
	return nil
}

// Process names the process that makes the spans.
type Process struct{ Role, Name, Cluster string }

// Tracer makes and exports the spans of a process.
type Tracer struct {
	provider *trace.TracerProvider
	process  Process
}

// closeWithin bounds how long the last spans may take to be sent.
const closeWithin = 2 * time.Second

// Open starts an exporter. It is nil where there is no endpoint. The collector need not
// be there.
func Open(c Config, p Process, log *slog.Logger) (*Tracer, error) {
	if c.Endpoint == "" {
		return nil, nil
	}
	exporter, err := otlptracegrpc.New(context.Background(), otlptracegrpc.WithEndpointURL(c.Endpoint))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Endpoint, err)
	}
	faults := episode.New(log, slog.LevelWarn, "traces cannot be exported", "traces are exported again", "endpoint", episode.State)
	// A call between processes is traced as the trace's beginning says. A client of the
	// HTTP API does not choose: its trace becomes a link.
	sampler := trace.ParentBased(trace.TraceIDRatioBased(c.Ratio))
	about := resource.NewSchemaless(
		attribute.String("service.name", "hachi-"+strings.ReplaceAll(p.Role, " ", "-")), attribute.String("service.instance.id", p.Name),
		attribute.String("service.namespace", p.Cluster), attribute.String("service.version", version.Line()),
	)
	return &Tracer{process: p, provider: trace.NewTracerProvider(
		trace.WithBatcher(quiet{exporter, faults, c.Endpoint}), trace.WithSampler(sampler), trace.WithResource(about),
	)}, nil
}

// quiet is an exporter whose errors go to the log of the process, once while they last.
type quiet struct {
	trace.SpanExporter
	faults   *episode.Log
	endpoint string
}

// ExportSpans implements trace.SpanExporter.
func (q quiet) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	if err := q.SpanExporter.ExportSpans(ctx, spans); err != nil {
		q.faults.Failed(q.endpoint, "err", err)
		return nil
	}
	q.faults.Worked(q.endpoint)
	return nil
}

// Close sends the spans that are left, if the collector takes them soon.
func (t *Tracer) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // what the collector does not take is lost, as at a crash
}

// scope names the source of the spans.
const scope = "github.com/hachi-serve/hachi"

// traced are the calls between gateways and routers. The streams of expert calls live as
// long as their processes: their calls have spans of their own.
func traced(info *stats.RPCTagInfo) bool {
	return strings.HasPrefix(info.FullMethodName, "/hachi.v1.InferenceService/")
}

func (t *Tracer) options() []otelgrpc.Option {
	return []otelgrpc.Option{otelgrpc.WithTracerProvider(t.provider), otelgrpc.WithPropagators(propagation.TraceContext{}), otelgrpc.WithFilter(traced)}
}

// ServerOptions make spans of the calls that a server answers.
func (t *Tracer) ServerOptions() []grpc.ServerOption {
	if t == nil {
		return nil
	}
	return []grpc.ServerOption{grpc.StatsHandler(otelgrpc.NewServerHandler(t.options()...))}
}

// DialOptions make spans of the calls over a connection, and hand the trace on.
func (t *Tracer) DialOptions() []grpc.DialOption {
	if t == nil {
		return nil
	}
	return []grpc.DialOption{grpc.WithStatsHandler(otelgrpc.NewClientHandler(t.options()...))}
}
