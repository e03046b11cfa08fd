package remote

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// fate is what follows from the end of a call.
type fate int

const (
	// done: the answer has its last event.
	done fate = iota
	// lost: the router, or the way to it, failed. The answer goes on at another.
	lost
	// full: the router has no room now.
	full
	// unable: this router cannot serve the request, and another one may.
	unable
	// final: no router can serve the request.
	final
)

// verdict is the end of a call.
type verdict struct {
	fate  fate
	err   error
	cause string        // one word for metrics and logs, if lost
	after time.Duration // when a full router may have room; 0 is not known
}

// errDrained means that a router drains, and its answers can go on at another now.
var errDrained = errors.New("the router drains")

// errSilent means that a router sent neither a token nor a heartbeat in time.
var errSilent = errors.New("nothing came from the router in time")

// said is an error in the words of a router. kind is what it means.
type said struct {
	kind error
	text string
}

func (s *said) Error() string { return s.text }
func (s *said) Unwrap() error { return s.kind }

// judge decides what follows from the error that ended a call.
func judge(err error) verdict {
	switch {
	case errors.Is(err, errSilent):
		return verdict{lost, err, "silent", 0}
	case errors.Is(err, errDrained):
		return verdict{lost, errDrained, "drained", 0}
	case errors.Is(err, errLie):
		return verdict{unable, &moe.Error{Op: "request at a router", Kind: moe.Internal, Err: err}, "", 0}
	case errors.Is(err, io.EOF):
		return verdict{lost, errors.New("the router ended an answer without its last token"), "failed", 0}
	}
	s := status.Convert(err)
	for _, detail := range s.Details() {
		if f, ok := detail.(*hachiv1.GenerateTokensFailure); ok && f.GetReason() != hachiv1.GenerateTokensFailure_REASON_UNSPECIFIED {
			return judgeReason(f, s)
		}
	}
	why := func(kind error) error { return &said{kind, s.Message()} }
	switch s.Code() {
	case codes.Unavailable, codes.Canceled:
		return verdict{lost, err, "failed", 0}
	case codes.InvalidArgument:
		return verdict{final, why(&moe.Error{Op: "request", Kind: moe.Invalid, Err: err}), "", 0}
	case codes.DeadlineExceeded:
		return verdict{final, why(context.DeadlineExceeded), "", 0}
	}
	return verdict{unable, why(&moe.Error{Op: "request at a router", Kind: moe.Internal, Err: err}), "", 0}
}

// judgeReason is judge where the router gives a reason.
func judgeReason(f *hachiv1.GenerateTokensFailure, s *status.Status) verdict {
	why := func(kind error) error { return &said{kind, s.Message()} }
	switch f.GetReason() {
	case hachiv1.GenerateTokensFailure_REASON_QUEUE_FULL:
		return verdict{full, why(scheduler.ErrQueueFull), "", time.Duration(f.GetRetryAfterMillis()) * time.Millisecond}
	case hachiv1.GenerateTokensFailure_REASON_GRAMMAR_BUSY:
		return verdict{full, why(grammar.ErrBusy), "", 0}
	case hachiv1.GenerateTokensFailure_REASON_STOPPING:
		return verdict{lost, why(engine.ErrStopped), "drained", 0}
	case hachiv1.GenerateTokensFailure_REASON_FINGERPRINT:
		return verdict{lost, s.Err(), "fingerprint", 0}
	case hachiv1.GenerateTokensFailure_REASON_GRAMMAR:
		var err error = &said{nil, s.Message()}
		if n := f.GetFunction(); n > 0 {
			err = &grammar.FunctionFault{Index: int(n) - 1, Err: err}
		}
		return verdict{final, &completion.GrammarError{Err: err}, "", 0}
	case hachiv1.GenerateTokensFailure_REASON_SAID:
		return verdict{final, &completion.GrammarError{Err: why(completion.ErrSaid)}, "", 0}
	case hachiv1.GenerateTokensFailure_REASON_TOGETHER:
		return verdict{final, &completion.GrammarError{Err: why(grammar.ErrTogether)}, "", 0}
	case hachiv1.GenerateTokensFailure_REASON_NO_GRAMMARS:
		return verdict{final, &completion.GrammarError{Unsupported: true, Err: &said{nil, s.Message()}}, "", 0}
	case hachiv1.GenerateTokensFailure_REASON_NO_TOKEN:
		return verdict{final, why(sampler.ErrNoToken), "", 0}
	case hachiv1.GenerateTokensFailure_REASON_NO_REPLICA:
		return verdict{final, why(&moe.Error{Op: "request", Kind: moe.NoReplica}), "", 0}
	}
	return verdict{unable, why(&moe.Error{Op: "request at a router", Kind: moe.Internal, Err: s.Err()}), "", 0}
}

// isFull reports whether an error is that of a router without room.
func isFull(err error) bool {
	return errors.Is(err, scheduler.ErrQueueFull) || errors.Is(err, grammar.ErrBusy)
}
