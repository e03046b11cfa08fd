package grpcapi

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// named sends a request under an id and returns that of its answer.
func (b *bench) named(ctx context.Context, id string, in *hachiv1.GenerateRequest) (string, error) {
	var header metadata.MD
	if id != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, requestIDKey, id)
	}
	stream, err := b.client.Generate(ctx, in, grpc.Header(&header))
	for err == nil {
		_, err = stream.Recv()
	}
	if len(header[requestIDKey]) != 1 {
		return "", err
	}
	return header[requestIDKey][0], err
}

// TestRequestIDIsInMetadataAndLog, the client's or a new one, of an answer and of
// an error.
func TestRequestIDIsInMetadataAndLog(t *testing.T) {
	b := start(t, nil)
	b.saying("one two")
	if id, _ := b.named(t.Context(), "client-7", textPrompt("x")); id != "client-7" {
		t.Errorf("an answer to %q", id)
	}
	refused, err := b.named(t.Context(), "", tokenPrompt())
	if !strings.HasPrefix(refused, "req-") || status.Code(err) != codes.InvalidArgument {
		t.Errorf("an error to %q: %v", refused, err)
	}
	log := strings.Split(strings.TrimSpace(b.log.String()), "\n")
	if len(log) != 2 {
		t.Fatalf("%d lines:\n%s", len(log), b.log)
	}
	for i, want := range []string{
		"level=INFO request_id=client-7 path=/hachi.v1.InferenceService/Generate status=OK prompt_tokens=2 completion_tokens=2",
		"level=INFO request_id=" + refused + " status=InvalidArgument err=",
	} {
		for _, part := range strings.Fields(want) {
			if !strings.Contains(log[i], part) {
				t.Errorf("%q has no %q", log[i], part)
			}
		}
	}
}

// panicking is an engine that panics.
type panicking struct{}

func (panicking) Check(context.Context, *completion.Language) error { return nil }

func (panicking) Submit(context.Context, engine.Request, *completion.Language) (completion.Stream, error) {
	panic("broken engine")
}

// TestPanicIsInternal, and the log has its stack under the request's id.
func TestPanicIsInternal(t *testing.T) {
	outcome := ""
	b := start(t, func(s *completion.Service) {
		s.Completer.Engine = panicking{}
		s.Done = func(o string, _ time.Duration, _ string) { outcome = o }
	})
	id, err := b.named(t.Context(), "", textPrompt("x"))
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "broken engine") || outcome != "server_error" {
		t.Errorf("%v, outcome %q", err, outcome)
	}
	if log := b.log.String(); !strings.Contains(log, "level=ERROR") || strings.Count(log, id) != 1 || !strings.Contains(log, "record_test.go") {
		t.Errorf("the log has\n%s", log)
	}
}

func TestCacheSaltReachesTheEngine(t *testing.T) {
	b := start(t, nil)
	salt := func(text string) uint64 {
		in := textPrompt("x")
		in.CacheSalt = text
		if _, err := b.generate(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		calls := b.engine.Calls()
		return calls[len(calls)-1].Request.CacheSalt
	}
	if a := salt("a"); a == 0 || salt("a") != a || salt("b") == a || salt("") != 0 {
		t.Errorf("salts %d, %d, %d, %d", a, salt("a"), salt("b"), salt(""))
	}
}
