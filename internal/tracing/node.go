package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/hachi-serve/hachi/moe"
)

// Handler computes calls of experts, as in internal/transport/rpc.
type Handler interface {
	Serve(c *moe.Call, done func(*moe.Reply, error)) (cancel func() bool)
}

// Node makes a span of every call of a sampled token.
func (t *Tracer) Node(next Handler) Handler {
	if t == nil {
		return next
	}
	return node{next, t.provider.Tracer(scope), t.process.Name}
}

type node struct {
	next   Handler
	tracer trace.Tracer
	name   string
}

// Serve implements Handler.
func (n node) Serve(c *moe.Call, done func(*moe.Reply, error)) (cancel func() bool) {
	if c.Trace.IsZero() {
		return n.next.Serve(c, done)
	}
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: c.Trace.TraceID, SpanID: c.Trace.SpanID, TraceFlags: trace.FlagsSampled, Remote: true})
	_, span := n.tracer.Start(trace.ContextWithRemoteSpanContext(context.Background(), parent), "compute experts", trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("hachi.node", n.name), attribute.Int("hachi.layer", c.Layer), attribute.Int("hachi.experts", len(c.Groups)), attribute.Int("hachi.rows", c.OutRows())))
	withdraw := n.next.Serve(c, func(r *moe.Reply, err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		} else {
			span.SetAttributes(attribute.Int64("hachi.queue_ns", r.Queue.Nanoseconds()), attribute.Int64("hachi.compute_ns", r.Compute.Nanoseconds()))
		}
		span.End()
		done(r, err)
	})
	if withdraw == nil {
		return nil
	}
	return func() bool {
		over := withdraw()
		if over {
			span.SetStatus(codes.Error, "canceled before it was computed")
			span.End()
		}
		return over
	}
}
