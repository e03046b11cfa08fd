package access

import (
	"context"
	"log/slog"
	"time"

	"github.com/hachi-serve/hachi/internal/api/failure"
)

// Record is what is known of one request.
type Record struct {
	ID               string
	Method           string // of HTTP; gRPC's is POST
	Path             string // of HTTP, or the full method of gRPC
	Client           string // the name of its API key; "" is none
	PromptTokens     int
	CompletionTokens int
	Err              error // why it failed; nil is success

	started time.Time
}

// Start begins the record of a request that arrives now.
func Start(id, method, path string) *Record {
	return &Record{ID: id, Method: method, Path: path, started: time.Now()}
}

type key struct{}

// NewContext returns a context that carries a record.
func NewContext(ctx context.Context, r *Record) context.Context {
	return context.WithValue(ctx, key{}, r)
}

// FromContext returns the request's record: an empty one if ctx carries none.
func FromContext(ctx context.Context) *Record {
	if r, ok := ctx.Value(key{}).(*Record); ok {
		return r
	}
	return &Record{}
}

// Log writes the request's one line in the access log: at level, or as an error
// with the stack of a panic if the fault is ours. The status is the one that the
// API sent.
func (r *Record) Log(ctx context.Context, l *slog.Logger, level slog.Level, status string, ours bool) {
	attrs := []slog.Attr{
		slog.String("request_id", r.ID), slog.String("method", r.Method), slog.String("path", r.Path), slog.String("status", status),
		slog.Duration("duration", time.Since(r.started)),
		slog.Int("prompt_tokens", r.PromptTokens), slog.Int("completion_tokens", r.CompletionTokens),
	}
	if r.Client != "" {
		attrs = append(attrs, slog.String("client", r.Client))
	}
	if r.Err != nil {
		attrs = append(attrs, slog.Any("err", r.Err))
	}
	if stack, ok := failure.Stack(r.Err); ok {
		attrs = append(attrs, slog.String("stack", string(stack)))
	}
	if ours {
		l.LogAttrs(ctx, slog.LevelError, "request failed", attrs...)
		return
	}
	l.LogAttrs(ctx, level, "request answered", attrs...)
}
