package grpcapi

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// GenerateTokens implements the service.
func (s *Server) GenerateTokens(in *hachiv1.GenerateTokensRequest, out grpc.ServerStreamingServer[hachiv1.GenerateTokensResponse]) error {
	return s.record(out, hachiv1.InferenceService_GenerateTokens_FullMethodName, s.tokensStatus, func(ctx context.Context, arrived time.Time) error {
		return s.generateTokens(ctx, in, arrived, out)
	})
}

// generateTokens sends what the engine draws as it comes.
func (s *Server) generateTokens(ctx context.Context, in *hachiv1.GenerateTokensRequest, arrived time.Time, out grpc.ServerStreamingServer[hachiv1.GenerateTokensResponse]) error {
	pass, err := s.admit(ctx, in)
	if err != nil {
		return err
	}
	defer pass.Leave()
	r, l, err := s.tokensRequest(in)
	if err != nil {
		return err
	}
	record := access.FromContext(ctx)
	r.ID = record.ID
	stream, err := s.service.Completer.Engine.Submit(ctx, r, l)
	if err != nil {
		return err
	}
	pass.Leave()
	record.PromptTokens = len(r.Prompt)
	if err := out.SendHeader(named(ctx)); err != nil {
		return err
	}
	t := tokensWriter{
		send: out.Send, pace: completion.Pace{Observe: s.service.Completer.Observe, Arrived: arrived}, drawn: &record.CompletionTokens,
	}
	return t.copy(ctx, stream, heartbeat(in))
}

// minHeartbeat bounds what a caller can ask for.
const minHeartbeat = 10 * time.Millisecond

// heartbeat is the longest silence that a caller wants; 0 is any.
func heartbeat(in *hachiv1.GenerateTokensRequest) time.Duration {
	every := time.Duration(in.GetHeartbeatMillis()) * time.Millisecond
	if every > 0 {
		every = max(every, minHeartbeat)
	}
	return every
}

// tokensWriter writes the events of an engine as responses.
type tokensWriter struct {
	send  func(*hachiv1.GenerateTokensResponse) error
	pace  completion.Pace
	nodes int  // that were sent
	drawn *int // tokens of the answer that were sent
}

// copy sends events until the last one. With every > 0 a response follows another at
// least that often.
func (t *tokensWriter) copy(ctx context.Context, stream completion.Stream, every time.Duration) error {
	for {
		wait, cancel := ctx, context.CancelFunc(func() {})
		if every > 0 {
			wait, cancel = context.WithTimeout(ctx, every)
		}
		ended, err := t.copyWithin(wait, stream)
		over := wait.Err() != nil && ctx.Err() == nil
		cancel()
		if ended || !over {
			return err
		}
		if err := t.send(&hachiv1.GenerateTokensResponse{}); err != nil {
			return err
		}
	}
}

// copyWithin sends events until ctx ends or, with ended, the answer or the way to the
// caller does.
func (t *tokensWriter) copyWithin(ctx context.Context, stream completion.Stream) (ended bool, err error) {
	for {
		events, err := stream.Next(ctx)
		if err != nil {
			return false, err
		}
		if ended, err := t.write(events); ended || err != nil {
			return true, err
		}
	}
}

// maxEvents bounds the events of a response, and so its length.
const maxEvents = 256

// write sends events. The error may be that of the last event.
func (t *tokensWriter) write(events []engine.Event) (ended bool, err error) {
	m, n := &hachiv1.GenerateTokensResponse{}, 0
	flush := func() error {
		if n == 0 {
			return nil
		}
		sent := m
		m, n = &hachiv1.GenerateTokensResponse{}, 0
		t.pace.Drew(len(sent.GetTokens()))
		*t.drawn += len(sent.GetTokens())
		return t.send(sent)
	}
	for _, e := range events {
		// The end without a token is an event of its own on the other side too.
		if n == maxEvents || e.Token < 0 || e.Err != nil {
			if err := flush(); err != nil {
				return true, err
			}
		}
		if e.Err != nil {
			return true, e.Err
		}
		t.add(m, e)
		n++
		if e.Finish != engine.NotFinished {
			return true, flush()
		}
	}
	return false, flush()
}

// add adds an event to a response.
func (t *tokensWriter) add(m *hachiv1.GenerateTokensResponse, e engine.Event) {
	switch {
	case e.Prompt:
		m.Prompt = append(m.Prompt, logprob(e))
	case e.Token >= 0:
		m.Tokens = append(m.Tokens, logprob(e))
	}
	for ; t.nodes < len(e.Nodes); t.nodes++ {
		m.Nodes = append(m.Nodes, string(e.Nodes[t.nodes]))
	}
	m.CachedTokens = uint32(e.Cached)
	switch e.Finish {
	case engine.Stop:
		m.FinishReason = hachiv1.FinishReason_FINISH_REASON_STOP
	case engine.Length:
		m.FinishReason = hachiv1.FinishReason_FINISH_REASON_LENGTH
	}
}
