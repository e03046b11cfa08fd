package tracing

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// HTTP makes a trace of every sampled request that posts. A traceparent of the client
// becomes a link: whether a request is traced is the server's choice.
func (t *Tracer) HTTP(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	tracer := t.provider.Tracer(scope)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		link := trace.LinkFromContext(ctx)
		options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), trace.WithNewRoot(), trace.WithAttributes(attribute.String("url.path", r.URL.Path))}
		if link.SpanContext.IsValid() {
			options = append(options, trace.WithLinks(link))
		}
		ctx, span := tracer.Start(ctx, "HTTP POST", options...)
		defer span.End()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
