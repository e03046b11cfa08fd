package dispatch

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/hachi-serve/hachi/moe"
)

// scope names the source of the spans.
const scope = "github.com/hachi-serve/hachi/internal/router/dispatch"

// beginTrace begins the span of a layer if the step is traced. end is never nil.
func (l *layerRun) beginTrace(ctx context.Context, layer, rows int) (end func(error)) {
	l.traced = nil
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return untraced
	}
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, "layer",
		trace.WithAttributes(attribute.Int("hachi.layer", layer), attribute.Int("hachi.rows", rows)))
	l.traced = ctx
	return func(err error) {
		l.traced = nil
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}

func untraced(error) {}

// traceCall begins the span of a call, and names it to the node. Its reason is what sent
// it: the plan, a hedge, or a failover.
func (l *layerRun) traceCall(a *attempt, c *moe.Call) {
	reason := "plan"
	for _, t := range a.tasks {
		if len(t.tried) > 1 {
			reason = "failover"
		}
	}
	if a.hedge {
		reason = "hedge"
	}
	_, a.span = trace.SpanFromContext(l.traced).TracerProvider().Tracer(scope).Start(l.traced, "expert call", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("hachi.node", string(a.to.Node)), attribute.String("hachi.reason", reason), attribute.Int("hachi.rows", a.rows)))
	of := a.span.SpanContext()
	c.Trace = moe.TraceContext{TraceID: of.TraceID(), SpanID: of.SpanID()}
}

// endCall ends the span of a call that has ended.
func (a *attempt) endCall() {
	if a.span == nil {
		return
	}
	switch {
	case a.err == nil && a.reply != nil:
		a.span.SetAttributes(attribute.Int64("hachi.queue_ns", a.reply.Queue.Nanoseconds()), attribute.Int64("hachi.compute_ns", a.reply.Compute.Nanoseconds()))
	case a.stage == abandoned:
		a.span.SetAttributes(attribute.Bool("hachi.overtaken", true))
	case a.err != nil:
		a.span.SetStatus(codes.Error, a.err.Error())
	}
	if a.late {
		a.span.SetAttributes(attribute.Bool("hachi.late", true))
	}
	a.span.End()
	a.span = nil
}
