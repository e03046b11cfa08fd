package openai

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/failure"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
)

// Config is what the API serves with, complete as it is given.
type Config struct {
	completion.Service
	Model       string // the name clients use
	Fingerprint string
	// MaxChoices is how many answers the engine can ever hold; 0 is no bound
	// of its own.
	MaxChoices int
	// RetryAfter is when a request that found the queue full may try again; nil
	// is a second.
	RetryAfter func() time.Duration
	Metrics    http.Handler // of /metrics; nil is no such route
}

// writeWithin is what a client has, after a request's deadline, to take the
// end of its answer.
const writeWithin = 10 * time.Second

// Server answers the HTTP API.
type Server struct {
	cfg      Config
	ready    func() bool
	created  int64
	specials map[int32]string // texts of special tokens
}

// call is a decoded request. Its context ends with the client or at the
// deadline.
type call struct {
	w       http.ResponseWriter
	ctx     context.Context
	fields  fields
	arrived time.Time
}

// endpoint answers a call.
type endpoint func(c call) error

// Handler makes the API's routes. ready reports whether requests should be sent
// here.
func Handler(cfg Config, ready func() bool) http.Handler {
	s := &Server{cfg: cfg, ready: ready, created: time.Now().Unix(), specials: specialTexts(cfg.Completer.Tokenizer)}
	all := routes{
		"/v1/chat/completions": {http.MethodPost: s.post(s.chat, chatParameters)},
		"/v1/completions":      {http.MethodPost: s.post(s.completions, completionParameters)},
		"/tokenize":            {http.MethodPost: s.post(s.tokenize, tokenizeParameters)},
		"/detokenize":          {http.MethodPost: s.post(s.detokenize, detokenizeParameters)},
		"/v1/models":           {http.MethodGet: s.models},
		"/v1/models/":          {http.MethodGet: s.oneModel},
		"/healthz":             {http.MethodGet: s.healthz},
		"/readyz":              {http.MethodGet: s.readyz},
	}
	if cfg.Metrics != nil {
		all["/metrics"] = map[string]http.HandlerFunc{http.MethodGet: cfg.Metrics.ServeHTTP}
	}
	return s.record(all)
}

// post decodes the body, bounds the request in time and answers errors.
func (s *Server) post(f endpoint, known []string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		// A recorder in a test has no deadlines; a connection has.
		_ = http.NewResponseController(w).SetWriteDeadline(started.Add(s.cfg.Deadline + writeWithin))
		ctx, cancel := context.WithDeadline(r.Context(), started.Add(s.cfg.Deadline))
		defer cancel()
		err := failure.Catch(func() error {
			body, err := readBody(w, r)
			if err == nil {
				err = body.sort(w.Header(), known)
			}
			if err != nil {
				return err
			}
			return f(call{w, ctx, body, started})
		})
		if _, sent := err.(errSent); err != nil && !sent {
			s.suggestRetry(w, err)
			fail(w, err)
		}
		if gone := r.Context().Err(); err != nil && gone != nil {
			err = gone // whatever failed, failed because the client has gone
		}
		access.FromContext(ctx).Err = err
		s.report(err, time.Since(started))
	}
}

// suggestRetry says when a request that found the queue full may come again.
func (s *Server) suggestRetry(w http.ResponseWriter, err error) {
	if s.cfg.RetryAfter != nil && errors.Is(err, scheduler.ErrQueueFull) {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(s.cfg.RetryAfter().Seconds()))))
	}
}

// report observes a request for metrics.
func (s *Server) report(err error, took time.Duration) {
	outcome := failure.Outcome(nil)
	if err != nil {
		outcome = toAPI(err).Type
	}
	s.cfg.Observe(outcome, took)
}
