package router

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/openai"
	"github.com/hachi-serve/hachi/internal/router/engine"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// inference answers the gRPC API.
type inference struct {
	hachiv1.UnimplementedInferenceServiceServer
	api openai.Config
}

// Generate implements the service.
func (s *inference) Generate(in *hachiv1.GenerateRequest, out grpc.ServerStreamingServer[hachiv1.GenerateResponse]) error {
	started := time.Now()
	ctx, cancel := context.WithDeadline(out.Context(), started.Add(s.api.Deadline))
	defer cancel()
	err := s.generate(ctx, in, started, out.Send)
	if s.api.Done != nil {
		s.api.Done(outcome(err), time.Since(started))
	}
	return toStatus(err)
}

// generate sends an answer as it comes.
func (s *inference) generate(ctx context.Context, in *hachiv1.GenerateRequest, arrived time.Time, send func(*hachiv1.GenerateResponse) error) error {
	r, err := s.request(in)
	if err != nil {
		return err
	}
	r.Arrived = arrived
	reader, err := s.api.Completer.Start(ctx, r)
	if err != nil {
		return err
	}
	defer reader.Close()
	for {
		d, err := reader.Next(ctx)
		if err != nil {
			return err
		}
		m := message(d, in.GetLogprobs())
		if d.Finish != engine.NotFinished {
			m.Usage = &hachiv1.Usage{PromptTokens: uint32(len(r.Prompt)), CompletionTokens: uint32(reader.Generated)}
		}
		if err := send(m); err != nil || d.Finish != engine.NotFinished {
			return err
		}
	}
}

// message is a delta on the wire.
func message(d completion.Delta, logprobs bool) *hachiv1.GenerateResponse {
	m := &hachiv1.GenerateResponse{Text: d.Text}
	for _, t := range d.Tokens {
		m.Tokens = append(m.Tokens, uint32(t.Token))
		if logprobs {
			m.Logprobs = append(m.Logprobs, logprob(t.Event))
		}
	}
	switch d.Finish {
	case engine.Stop:
		m.FinishReason = hachiv1.FinishReason_FINISH_REASON_STOP
	case engine.Length:
		m.FinishReason = hachiv1.FinishReason_FINISH_REASON_LENGTH
	}
	return m
}

func logprob(e engine.Event) *hachiv1.TokenLogprob {
	l := &hachiv1.TokenLogprob{Token: uint32(e.Token), Logprob: e.Logprob}
	for _, t := range e.Top {
		l.Alternatives = append(l.Alternatives, &hachiv1.Alternative{Token: uint32(t.Token), Logprob: t.Logprob})
	}
	return l
}
