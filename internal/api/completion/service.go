package completion

import (
	"log/slog"
	"time"

	"github.com/hachi-serve/hachi/internal/text/chat"
)

// Service is what every API of a router serves with.
type Service struct {
	Completer  *Completer
	Template   *chat.Template
	Attributes chat.Attributes // the server's defaults
	Deadline   time.Duration   // of a request
	// Done observes every request to the model, for metrics. The outcome is
	// "ok", "canceled", or an error's type. nil is not called.
	Done func(outcome string, took time.Duration)
	// Logger gets one line for each request at info; nil is silent.
	Logger *slog.Logger
}

// Log returns the logger; it is never nil.
func (s Service) Log() *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Logger
}

// Observe reports the end of a request.
func (s Service) Observe(outcome string, took time.Duration) {
	if s.Done != nil {
		s.Done(outcome, took)
	}
}
