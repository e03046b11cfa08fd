package completion

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Observer receives the times of each answer, for metrics, with the id of the trace that
// its request is sampled for, "" for none. Functions may be nil and are called from any
// goroutine. Several answers to one prompt do not mix.
type Observer struct {
	FirstToken func(after time.Duration, trace string) // from the request's arrival
	NextToken  func(after time.Duration, trace string) // from the token before
}

// TraceOf is the id of the trace that a request is sampled for, 32 hexadecimal digits;
// "" if it is not.
func TraceOf(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.IsSampled() {
		return span.TraceID().String()
	}
	return ""
}

// Pace measures the times of one answer.
type Pace struct {
	Observe Observer
	Arrived time.Time // of the request
	Trace   string
	last    time.Time // of the last token
}

// Drew reports n tokens that came together: the time since the last is shared.
func (p *Pace) Drew(n int) {
	if n == 0 {
		return
	}
	now := time.Now()
	if p.last.IsZero() {
		n--
		if p.Observe.FirstToken != nil {
			p.Observe.FirstToken(now.Sub(p.Arrived), p.Trace)
		}
		p.last = now
	}
	for range n {
		if p.Observe.NextToken != nil {
			p.Observe.NextToken(now.Sub(p.last)/time.Duration(n), p.Trace)
		}
	}
	p.last = now
}
