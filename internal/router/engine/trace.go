package engine

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/hachi-serve/hachi/internal/router/scheduler"
)

const (
	// scope names the source of the spans.
	scope = "github.com/hachi-serve/hachi/internal/router/engine"
	// tracedEvery is how many tokens lie between two of a traced request whose layers are
	// traced too: a token has a span for each call of each layer.
	tracedEvery = 64
)

// traceQueue makes the span of a traced request's wait for its first rows.
func traceQueue(f *activeRequest) {
	if parent := trace.SpanFromContext(f.ctx); parent.IsRecording() {
		_, span := parent.TracerProvider().Tracer(scope).Start(f.ctx, "queue", trace.WithTimestamp(f.arrived))
		span.End()
	}
}

// traceStep begins a span for each traced request of a step that computes a part of its
// prompt, or a token whose turn it is. The context of the model has the span of such a
// token: its layers are traced. end is never nil.
func (e *Engine) traceStep(ctx context.Context, spans []scheduler.Span) (_ context.Context, end func(error)) {
	var begun []trace.Span
	model := ctx
	for _, s := range spans {
		f := e.active[s.Seq.ID]
		parent := trace.SpanFromContext(f.ctx)
		if !parent.IsRecording() {
			continue
		}
		name := "prefill chunk"
		if s.Seq.Computed >= f.req.known() {
			name = "token"
		}
		sampled := name == "token" && f.drawn%tracedEvery == 1
		if name == "token" && !sampled {
			continue
		}
		_, span := parent.TracerProvider().Tracer(scope).Start(f.ctx, name, trace.WithAttributes(
			attribute.Int("hachi.position", s.Seq.Computed), attribute.Int("hachi.rows", s.N), attribute.Int("hachi.requests", len(spans))))
		begun = append(begun, span)
		if sampled && model == ctx {
			model = trace.ContextWithSpan(ctx, span)
		}
	}
	if begun == nil {
		return ctx, untraced
	}
	return model, func(err error) {
		for _, span := range begun {
			if err != nil {
				span.SetStatus(codes.Error, err.Error())
			}
			span.End()
		}
	}
}

func untraced(error) {}
