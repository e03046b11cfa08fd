package openai

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/hachi-serve/hachi/model/chat"
	"github.com/hachi-serve/hachi/model/tokenizer"
	"github.com/hachi-serve/hachi/router/completion"
)

// Config is what the API serves with.
type Config struct {
	Engine      completion.Engine
	Tokenizer   *tokenizer.Tokenizer
	Template    chat.Template
	Attributes  chat.Attributes // the server's defaults
	Model       string          // the name clients use
	Fingerprint string
	Deadline    time.Duration // of a request
	Ready       func() bool
	Metrics     http.Handler
	Observe     Observe
}

// Observe is told about answers, for metrics; nil functions are not called.
type Observe struct {
	FirstToken func(time.Duration)
	NextToken  func(time.Duration)
	Done       func(status string, took time.Duration)
}

// Server answers the HTTP API.
type Server struct {
	cfg     Config
	created int64
}

// Handler makes the API's routes.
func Handler(cfg Config) http.Handler {
	s := &Server{cfg: cfg, created: time.Now().Unix()}
	mux := http.NewServeMux()
	post := func(path string, f func(http.ResponseWriter, *http.Request, fields) error) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { s.post(w, r, f) })
	}
	post("/v1/chat/completions", s.chat)
	post("/v1/completions", s.completions)
	post("/tokenize", s.tokenize)
	post("/detokenize", s.detokenize)
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("GET /v1/models/{id}", s.model)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", cfg.Metrics)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, &apiError{status: http.StatusNotFound, Message: "no such route: " + r.Method + " " + r.URL.Path, Type: "invalid_request_error"})
	})
	return mux
}

// post decodes the body, bounds the request in time and answers errors.
func (s *Server) post(w http.ResponseWriter, r *http.Request, f func(http.ResponseWriter, *http.Request, fields) error) {
	started := time.Now()
	id := r.Header.Get("X-Request-Id")
	if id == "" {
		id = newID("req-")
	}
	w.Header().Set("X-Request-Id", id)
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Deadline)
	defer cancel()
	body, err := decode(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = f(w, r.WithContext(ctx), body)
	}
	status := "ok"
	if err != nil {
		status = toAPI(err).Type
		fail(w, err)
	}
	if s.cfg.Observe.Done != nil {
		s.cfg.Observe.Done(status, time.Since(started))
	}
}

func newID(prefix string) string {
	var raw [12]byte
	_, _ = rand.Read(raw[:]) // never fails
	return prefix + hex.EncodeToString(raw[:])
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if !s.cfg.Ready() {
		fail(w, &apiError{status: http.StatusServiceUnavailable, Message: "not every expert has a serving replica", Type: "server_error"})
		return
	}
	write(w, http.StatusOK, map[string]string{"status": "ready"})
}

func (s *Server) describe() map[string]any {
	return map[string]any{"id": s.cfg.Model, "object": "model", "created": s.created, "owned_by": "hachi"}
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, map[string]any{"object": "list", "data": []any{s.describe()}})
}

func (s *Server) model(w http.ResponseWriter, r *http.Request) {
	if err := s.known(r.PathValue("id")); err != nil {
		fail(w, err)
		return
	}
	write(w, http.StatusOK, s.describe())
}

// known checks a model's name; an empty one is this model.
func (s *Server) known(name string) error {
	if name == "" || name == s.cfg.Model {
		return nil
	}
	e := invalid("model", "the model "+name+" does not exist; this server has "+s.cfg.Model)
	code := "model_not_found"
	e.status, e.Code = http.StatusNotFound, &code
	return e
}

func (s *Server) tokenize(w http.ResponseWriter, _ *http.Request, f fields) error {
	var text string
	special := true
	if err := f.get("prompt", &text); err != nil {
		return err
	}
	if err := f.get("content", &text); err != nil {
		return err
	}
	if err := f.get("add_special_tokens", &special); err != nil {
		return err
	}
	tokens := s.cfg.Tokenizer.Encode(text)
	if special {
		tokens = s.cfg.Tokenizer.Prompt(text)
	}
	if tokens == nil {
		tokens = []int32{}
	}
	write(w, http.StatusOK, map[string]any{"tokens": tokens, "count": len(tokens)})
	return nil
}

func (s *Server) detokenize(w http.ResponseWriter, _ *http.Request, f fields) error {
	var tokens []int32
	if err := f.get("tokens", &tokens); err != nil {
		return err
	}
	for _, t := range tokens {
		if t < 0 || int(t) >= s.cfg.Tokenizer.Vocab() {
			return invalid("tokens", "a token is outside the vocabulary")
		}
	}
	write(w, http.StatusOK, map[string]any{"prompt": s.cfg.Tokenizer.Decode(tokens)})
	return nil
}
