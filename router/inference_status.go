package router

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/moe"
)

// toStatus finds the gRPC code of a failure; nil stays nil.
func toStatus(err error) error {
	if err == nil {
		return nil
	}
	return status.Error(codeOf(err), err.Error())
}

func codeOf(err error) codes.Code {
	var param *sampler.ParamError
	var long *completion.ContextError
	var token *completion.TokenError
	var e *moe.Error
	kind := moe.Internal
	if errors.As(err, &e) {
		kind = e.Kind
	}
	switch {
	case errors.As(err, &param), errors.As(err, &long), errors.As(err, &token), kind == moe.Invalid,
		errors.Is(err, completion.ErrEmpty), errors.Is(err, sampler.ErrNoToken):
		return codes.InvalidArgument
	case errors.Is(err, scheduler.ErrQueueFull):
		return codes.ResourceExhausted
	case errors.Is(err, engine.ErrStopped), kind == moe.NoReplica:
		return codes.Unavailable
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	}
	if s, ok := status.FromError(err); ok {
		return s.Code() // a message that could not be sent
	}
	return codes.Internal
}

// outcome words a call's end as the HTTP API does, for metrics.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	switch codeOf(err) {
	case codes.InvalidArgument:
		return "invalid_request_error"
	case codes.ResourceExhausted:
		return "rate_limit_error"
	case codes.DeadlineExceeded:
		return "timeout_error"
	case codes.Canceled:
		return "canceled"
	}
	return "server_error"
}
