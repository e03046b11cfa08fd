package router

import (
	"context"
	"errors"
	"maps"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/model/chat"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
	"github.com/hachi-serve/hachi/router/completion"
	"github.com/hachi-serve/hachi/router/engine"
	"github.com/hachi-serve/hachi/router/openai"
	"github.com/hachi-serve/hachi/router/sampler"
	"github.com/hachi-serve/hachi/router/scheduler"
)

// inference answers the gRPC API.
type inference struct {
	hachiv1.UnimplementedInferenceServiceServer
	api openai.Config
}

// Generate implements the service.
func (s *inference) Generate(in *hachiv1.GenerateRequest, out grpc.ServerStreamingServer[hachiv1.GenerateResponse]) error {
	prompt, err := s.prompt(in)
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	ctx, cancel := context.WithTimeout(out.Context(), s.api.Deadline)
	defer cancel()
	r := engine.Request{
		Prompt: prompt, MaxTokens: int(in.GetMaxTokens()), Logprobs: -1, StopTokens: []int32{s.api.Tokenizer.EOS()},
		Params: sampler.Params{Temperature: float64(in.GetTemperature()), TopP: float64(in.GetTopP()), TopK: int(in.GetTopK()),
			MinP: float64(in.GetMinP()), Seed: in.GetSeed()},
	}
	if in.GetLogprobs() {
		r.Logprobs = int(in.GetTopLogprobs())
	}
	reader, err := completion.Start(ctx, s.api.Engine, s.api.Tokenizer, r, in.GetStop())
	if err != nil {
		return toStatus(err)
	}
	defer reader.Close()
	for {
		d, err := reader.Next(ctx)
		if err != nil {
			return toStatus(err)
		}
		m := &hachiv1.GenerateResponse{Text: d.Text}
		for _, e := range d.Tokens {
			m.Tokens = append(m.Tokens, uint32(e.Token))
			if in.GetLogprobs() {
				m.Logprobs = append(m.Logprobs, logprob(e))
			}
		}
		switch d.Finish {
		case engine.Stop:
			m.FinishReason = hachiv1.FinishReason_FINISH_REASON_STOP
		case engine.Length:
			m.FinishReason = hachiv1.FinishReason_FINISH_REASON_LENGTH
		}
		if d.Finish != engine.NotFinished {
			m.Usage = &hachiv1.Usage{PromptTokens: uint32(len(prompt)), CompletionTokens: uint32(reader.Generated)}
		}
		if err := out.Send(m); err != nil || d.Finish != engine.NotFinished {
			return err
		}
	}
}

func logprob(e engine.Event) *hachiv1.TokenLogprob {
	l := &hachiv1.TokenLogprob{Token: uint32(e.Token), Logprob: e.Logprob}
	for _, t := range e.Top {
		l.Alternatives = append(l.Alternatives, &hachiv1.Alternative{Token: uint32(t.Token), Logprob: t.Logprob})
	}
	return l
}

// prompt reads one of the three forms of a prompt.
func (s *inference) prompt(in *hachiv1.GenerateRequest) ([]int32, error) {
	t := s.api.Tokenizer
	switch p := in.GetPrompt().(type) {
	case *hachiv1.GenerateRequest_Text:
		return t.Prompt(p.Text), nil
	case *hachiv1.GenerateRequest_Tokens:
		ids := make([]int32, len(p.Tokens.GetIds()))
		for i, id := range p.Tokens.GetIds() {
			ids[i] = int32(id)
		}
		return ids, nil
	case *hachiv1.GenerateRequest_Conversation:
		base := maps.Clone(s.api.Attributes)
		if base == nil {
			base = chat.Attributes{}
		}
		maps.Copy(base, attributes(p.Conversation.GetAttributes()))
		if err := base.Validate(); err != nil {
			return nil, err
		}
		var messages []chat.Message
		for _, m := range p.Conversation.GetMessages() {
			messages = append(messages, chat.Message{Role: m.GetRole(), Content: m.GetContent(), Attributes: attributes(m.GetAttributes())})
		}
		pieces, err := s.api.Template.Render(messages, base)
		return t.EncodePieces(pieces), err
	}
	return nil, errors.New("prompt is missing")
}

func attributes(in map[string]uint32) map[string]int {
	out := map[string]int{}
	for name, v := range in {
		out[name] = int(v)
	}
	return out
}

// toStatus finds the gRPC code of a failure.
func toStatus(err error) error {
	var e *moe.Error
	var param *sampler.ParamError
	code := codes.Internal
	switch {
	case errors.As(err, &param), errors.As(err, &e) && e.Kind == moe.Invalid:
		code = codes.InvalidArgument
	case errors.Is(err, scheduler.ErrQueueFull):
		code = codes.ResourceExhausted
	case errors.Is(err, engine.ErrStopped), e != nil && e.Kind == moe.NoReplica:
		code = codes.Unavailable
	case errors.Is(err, context.DeadlineExceeded):
		code = codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		code = codes.Canceled
	}
	return status.Error(code, err.Error())
}
