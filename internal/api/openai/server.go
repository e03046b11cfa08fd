package openai

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// Config is what the API serves with.
type Config struct {
	Completer   *completion.Completer
	Template    *chat.Template
	Attributes  chat.Attributes // the server's defaults
	Model       string          // the name clients use
	Fingerprint string
	Deadline    time.Duration // of a request
	// MaxChoices is how many answers the engine can ever hold; 0 is no bound
	// of its own.
	MaxChoices int
	// RetryAfter is when a request that found the queue full may try again; nil
	// is a second.
	RetryAfter func() time.Duration
	Ready      func() bool
	Metrics    http.Handler
	// Done is told about every request to a model; nil is allowed. The status
	// is "ok", "canceled", or an error's type.
	Done func(status string, took time.Duration)
}

// writeWithin is what a client has, after a request's deadline, to take the
// end of its answer.
const writeWithin = 10 * time.Second

// Server answers the HTTP API.
type Server struct {
	cfg      Config
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

// Handler makes the API's routes.
func Handler(cfg Config) http.Handler {
	s := &Server{cfg: cfg, created: time.Now().Unix(), specials: specialTexts(cfg.Completer.Tokenizer)}
	return routes{
		"/v1/chat/completions": {http.MethodPost: s.post(s.chat, chatParameters)},
		"/v1/completions":      {http.MethodPost: s.post(s.completions, completionParameters)},
		"/tokenize":            {http.MethodPost: s.post(s.tokenize, tokenizeParameters)},
		"/detokenize":          {http.MethodPost: s.post(s.detokenize, detokenizeParameters)},
		"/v1/models":           {http.MethodGet: s.models},
		"/v1/models/":          {http.MethodGet: s.oneModel},
		"/healthz":             {http.MethodGet: s.health},
		"/readyz":              {http.MethodGet: s.ready},
		"/metrics":             {http.MethodGet: cfg.Metrics.ServeHTTP},
	}
}

// post decodes the body, bounds the request in time and answers errors.
func (s *Server) post(f endpoint, known []string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		w.Header().Set("X-Request-Id", requestID(r))
		// A recorder in a test has no deadlines; a connection has.
		_ = http.NewResponseController(w).SetWriteDeadline(started.Add(s.cfg.Deadline + writeWithin))
		ctx, cancel := context.WithDeadline(r.Context(), started.Add(s.cfg.Deadline))
		defer cancel()
		body, err := readBody(w, r)
		if err == nil {
			err = body.sort(w.Header(), known)
		}
		if err == nil {
			err = f(call{w, ctx, body, started})
		}
		if _, told := err.(errTold); err != nil && !told {
			s.suggestRetry(w, err)
			fail(w, err)
		}
		s.report(r, err, time.Since(started))
	}
}

// suggestRetry tells a request that found the queue full when to come again.
func (s *Server) suggestRetry(w http.ResponseWriter, err error) {
	if s.cfg.RetryAfter != nil && errors.Is(err, scheduler.ErrQueueFull) {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(s.cfg.RetryAfter().Seconds()))))
	}
}

// report tells metrics about a request.
func (s *Server) report(r *http.Request, err error, took time.Duration) {
	status := "ok"
	switch {
	case s.cfg.Done == nil:
		return
	case err != nil && r.Context().Err() != nil:
		status = "canceled" // whatever broke, broke because nobody listens
	case err != nil:
		status = toAPI(err).Type
	}
	s.cfg.Done(status, took)
}

// requestID takes the client's name of the request, or makes one.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); id != "" && len(id) <= 128 {
		return id
	}
	return newID("req-")
}

func newID(prefix string) string {
	var raw [12]byte
	_, _ = rand.Read(raw[:]) // never fails
	return prefix + hex.EncodeToString(raw[:])
}
