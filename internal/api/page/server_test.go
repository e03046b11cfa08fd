package page_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/api"
	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/moe"
)

// server is a router's HTTP over a scripted engine, with the page.
type server struct {
	*httptest.Server
	t         *testing.T
	engine    *enginetest.Engine
	tokenizer *tokenizer.Tokenizer
	ready     atomic.Bool
	gone      atomic.Bool // connections end without an answer

	mu     sync.Mutex // guards the fields below
	bodies []request  // of chat completions, in order
}

// request is what the page sends.
type request struct {
	Model       string           `json:"model"`
	Messages    []map[string]any `json:"messages"`
	Temperature *float64         `json:"temperature"`
	MaxTokens   *int             `json:"max_tokens"`
	Seed        *int64           `json:"seed"`
}

// options are what a test changes of a server.
type options struct {
	model    string
	template string
	origins  []string // whose pages may call
	gate     *keys.Gate
	script   func(s *server, r engine.Request) enginetest.Script
}

func newServer(t *testing.T, o options) *server {
	t.Helper()
	tokens := apitest.Tokenizer(t)
	if o.model == "" {
		o.model = "org/m"
	}
	if o.template == "" {
		o.template = chat.KarakuriTemplate
	}
	s := &server{t: t, engine: &enginetest.Engine{}, tokenizer: tokens}
	s.ready.Store(true)
	if o.script != nil {
		s.engine.Script = func(r engine.Request) enginetest.Script { return o.script(s, r) }
	}
	router := api.Handler(api.Config{Config: httpapi.Config{
		Service: completion.Service{
			Model: o.model, Fingerprint: "fp",
			Completer: &completion.Completer{Engine: completion.Local{Engine: s.engine}, Tokenizer: tokens, Context: 4096},
			Template:  chat.MustParse(o.template, tokens), Deadline: time.Minute,
		},
		Origins: o.origins, Gate: o.gate, Local: true,
	}}, s.ready.Load)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.gone.Load() {
			panic(http.ErrAbortHandler)
		}
		router.ServeHTTP(w, s.keep(r))
	}))
	t.Cleanup(s.Close)
	return s
}

// keep remembers the body of a request for a chat completion.
func (s *server) keep(r *http.Request) *http.Request {
	if r.Method != http.MethodPost || r.URL.Path != "/v1/chat/completions" {
		return r
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	var one request
	if err := json.Unmarshal(raw, &one); err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies = append(s.bodies, one)
	r.Body = io.NopCloser(bytes.NewReader(raw))
	return r
}

// requests are those so far.
func (s *server) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bodies)
}

// last is the newest request.
func (s *server) last() request {
	s.t.Helper()
	all := s.requests()
	if len(all) == 0 {
		s.t.Fatal("the page sent no request")
	}
	return all[len(all)-1]
}

// saying answers every request with a text, computed by two nodes.
func saying(text string) func(*server, engine.Request) enginetest.Script {
	return func(s *server, _ engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: s.tokenizer.Encode(text), Nodes: []moe.NodeID{"expert-0", "expert-1"}}
	}
}

// beginning answers with a text and does not end.
func beginning(text string) func(*server, engine.Request) enginetest.Script {
	return func(s *server, r engine.Request) enginetest.Script {
		script := saying(text)(s, r)
		script.Hold = true
		return script
	}
}

// push adds a text to the newest answer that is held, and end ends it.
func (s *server) push(text string) {
	call := s.call()
	for _, id := range s.tokenizer.Encode(text) {
		call.Push(engine.Event{Token: id})
	}
}

func (s *server) end() { s.call().End(engine.Event{Token: -1, Finish: engine.Stop}) }

func (s *server) call() *enginetest.Call {
	s.t.Helper()
	calls := s.engine.Calls()
	if len(calls) == 0 {
		s.t.Fatal("no request reached the engine")
	}
	return calls[len(calls)-1]
}
