package grpcapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/admission"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/failure"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/router/engine"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// requestIDKey is the metadata key that names a request.
const requestIDKey = "x-request-id"

// Server answers the gRPC API.
type Server struct {
	hachiv1.UnimplementedInferenceServiceServer
	service completion.Service
}

// New makes the API over a service.
func New(s completion.Service) *Server { return &Server{service: s} }

// Generate implements the service.
func (s *Server) Generate(in *hachiv1.GenerateRequest, out grpc.ServerStreamingServer[hachiv1.GenerateResponse]) error {
	return s.record(out, hachiv1.InferenceService_Generate_FullMethodName, toStatus, func(ctx context.Context, arrived time.Time) error {
		if err := out.SetHeader(named(ctx)); err != nil {
			return err
		}
		return s.generate(ctx, in, arrived, out.Send)
	})
}

// record runs a call within its deadline and writes down how it ended. status turns
// its error into that of the call.
func (s *Server) record(out grpc.ServerStream, method string, status func(error) error, run func(ctx context.Context, arrived time.Time) error) error {
	started := time.Now()
	record := access.Start(requestID(out.Context()), http.MethodPost, method)
	caller := keys.FromContext(out.Context())
	record.Client = caller.Name()
	ctx, cancel := context.WithDeadline(access.NewContext(out.Context(), record), started.Add(s.service.Deadline))
	defer cancel()
	err := failure.Catch(func() error { return run(ctx, started) })
	if gone := out.Context().Err(); err != nil && gone != nil {
		err = gone // whatever failed, failed because the call has ended
	}
	record.Err = err
	caller.Use(record.PromptTokens, record.CompletionTokens)
	s.service.Observe(ctx, failure.Outcome(err), time.Since(started))
	answer := status(err)
	code := grpcstatus.Code(answer)
	record.Log(ctx, s.service.Log(), slog.LevelInfo, code.String(), code == codes.Internal)
	return answer
}

// named is the header metadata that tells a caller how its request is called.
func named(ctx context.Context) metadata.MD {
	return metadata.Pairs(requestIDKey, access.FromContext(ctx).ID)
}

// requestID takes the client's name of a call, or makes one.
func requestID(ctx context.Context) string {
	given := ""
	if ids := metadata.ValueFromIncomingContext(ctx, requestIDKey); len(ids) > 0 {
		given = ids[0]
	}
	return access.RequestID(given)
}

// generate sends an answer as it comes.
func (s *Server) generate(ctx context.Context, in *hachiv1.GenerateRequest, arrived time.Time, send func(*hachiv1.GenerateResponse) error) error {
	pass, err := s.admit(ctx, in)
	if err != nil {
		return err
	}
	defer pass.Leave()
	logprobs := in.GetLogprobs()
	r, err := s.request(ctx, in)
	if err != nil {
		return renamed(err)
	}
	record := access.FromContext(ctx)
	r.ID, r.Arrived = record.ID, arrived
	reader, err := s.service.Completer.Start(ctx, r)
	if err != nil {
		return renamed(err)
	}
	defer reader.Close()
	pass.Leave()
	record.PromptTokens = len(r.Prompt)
	for {
		d, err := reader.Next(ctx)
		record.CompletionTokens = reader.Generated
		if err != nil {
			return err
		}
		m := delta(d, logprobs)
		if d.Finish != engine.NotFinished {
			summarize(m, reader)
		}
		if err := send(m); err != nil || d.Finish != engine.NotFinished {
			return err
		}
	}
}

// admit takes the place of a request in the budget until it is in the engine's queue.
// Leave must be called, unless there is an error.
func (s *Server) admit(ctx context.Context, in proto.Message) (*admission.Pass, error) {
	pass := s.service.Budget.Pass()
	err := pass.Hold(int64(proto.Size(in)))
	if err == nil {
		err = pass.Work(ctx)
	}
	if err != nil {
		pass.Leave()
		return nil, err
	}
	return pass, nil
}

// toStatus is a failure as clients see it; nil stays nil.
func toStatus(err error) error {
	if err == nil {
		return nil
	}
	if s, ok := grpcstatus.FromError(err); ok && s.Code() != codes.Unknown {
		return err // a message that could not be sent
	}
	c := failure.Classify(err)
	return grpcstatus.Error(c.GRPC, failure.Cut(c.Message))
}
