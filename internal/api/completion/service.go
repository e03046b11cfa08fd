package completion

import (
	"context"
	"log/slog"
	"time"

	"github.com/hachi-serve/hachi/internal/api/admission"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// Service is what every API of a router serves with.
type Service struct {
	Model       string // the name clients use
	Fingerprint string // of the model's content and numerics
	Completer   *Completer
	Template    *chat.Template
	Attributes  chat.Attributes // the server's defaults
	// Sampling are the server's defaults of HTTP requests; nil is NeutralSampling.
	Sampling *SamplingDefaults
	// MaxChoices is how many answers the engine can ever hold; 0 is no bound
	// of its own.
	MaxChoices int
	// RetryAfter is when a request that found the queue full may try again; nil
	// is a second.
	RetryAfter func() time.Duration
	Deadline   time.Duration // of a request
	// Budget bounds the work on large requests before they are admitted; nil does not.
	Budget *admission.Budget
	// Done observes every request to the model, for metrics. The outcome is
	// "ok", "canceled", or an error's type; trace is that of Observer. nil is not called.
	Done func(outcome string, took time.Duration, trace string)
	// Logger gets one line for each request at info; nil is silent.
	Logger *slog.Logger
}

// SamplingDefaults are how a token is drawn for a request that does not say so.
func (s Service) SamplingDefaults() SamplingDefaults {
	if s.Sampling == nil {
		return NeutralSampling()
	}
	return *s.Sampling
}

// Log returns the logger; it is never nil.
func (s Service) Log() *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Logger
}

// Observe reports the end of a request.
func (s Service) Observe(ctx context.Context, outcome string, took time.Duration) {
	if s.Done != nil {
		s.Done(outcome, took, TraceOf(ctx))
	}
}
