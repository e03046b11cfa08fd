package grpcapi

import (
	"errors"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/api/admission"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/failure"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// tokensStatus is a failure of GenerateTokens as a gateway sees it, with its reason;
// nil stays nil.
func (s *Server) tokensStatus(err error) error {
	if err == nil {
		return nil
	}
	detail := s.tokensFailure(err)
	if detail.GetReason() == hachiv1.GenerateTokensFailure_REASON_UNSPECIFIED {
		return toStatus(err)
	}
	class := failure.Classify(err)
	code, message := class.GRPC, class.Message
	var unknown *unknownError
	var other *fingerprintError
	var function *grammar.FunctionFault
	switch {
	case errors.As(err, &unknown):
		code, message = codes.Unimplemented, unknown.Error()
	case errors.As(err, &other):
		code, message = codes.FailedPrecondition, other.Error()
	case detail.GetFunction() > 0 && errors.As(err, &function):
		message = function.Err.Error()
	}
	message = failure.Cut(message)
	out, failed := grpcstatus.New(code, message).WithDetails(detail)
	if failed != nil {
		return grpcstatus.Error(code, message)
	}
	return out.Err()
}

// tokensFailure is the detail of a failure.
func (s *Server) tokensFailure(err error) *hachiv1.GenerateTokensFailure {
	out := &hachiv1.GenerateTokensFailure{Reason: reasonOf(err)}
	switch out.GetReason() {
	case hachiv1.GenerateTokensFailure_REASON_QUEUE_FULL:
		if s.service.RetryAfter != nil {
			out.RetryAfterMillis = uint32(s.service.RetryAfter().Milliseconds())
		}
	case hachiv1.GenerateTokensFailure_REASON_GRAMMAR:
		var f *grammar.FunctionFault
		if errors.As(err, &f) {
			out.Function = uint32(f.Index) + 1
		}
	}
	return out
}

// reasonOf finds the reason of a failure.
func reasonOf(err error) hachiv1.GenerateTokensFailure_Reason {
	var unknown *unknownError
	var other *fingerprintError
	var answer *engine.AnswerError
	var refused *completion.GrammarError
	var failed *moe.Error
	switch {
	case errors.As(err, &unknown):
		return hachiv1.GenerateTokensFailure_REASON_UNKNOWN
	case errors.As(err, &other):
		return hachiv1.GenerateTokensFailure_REASON_FINGERPRINT
	case errors.As(err, &answer):
		return hachiv1.GenerateTokensFailure_REASON_ANSWER
	case errors.As(err, &refused) && refused.Unsupported:
		return hachiv1.GenerateTokensFailure_REASON_NO_GRAMMARS
	case errors.Is(err, completion.ErrSaid):
		return hachiv1.GenerateTokensFailure_REASON_SAID
	case errors.Is(err, grammar.ErrTogether):
		return hachiv1.GenerateTokensFailure_REASON_TOGETHER
	case errors.As(err, &refused):
		return hachiv1.GenerateTokensFailure_REASON_GRAMMAR
	case errors.Is(err, grammar.ErrBusy):
		return hachiv1.GenerateTokensFailure_REASON_GRAMMAR_BUSY
	case errors.Is(err, scheduler.ErrQueueFull), errors.Is(err, admission.ErrBusy):
		return hachiv1.GenerateTokensFailure_REASON_QUEUE_FULL
	case errors.Is(err, engine.ErrStopped):
		return hachiv1.GenerateTokensFailure_REASON_STOPPING
	case errors.Is(err, sampler.ErrNoToken):
		return hachiv1.GenerateTokensFailure_REASON_NO_TOKEN
	case errors.As(err, &failed) && failed.Kind == moe.NoReplica:
		return hachiv1.GenerateTokensFailure_REASON_NO_REPLICA
	}
	return hachiv1.GenerateTokensFailure_REASON_UNSPECIFIED
}
