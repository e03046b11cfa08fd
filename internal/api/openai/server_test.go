package openai

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// contextLength is small, so that tests can exceed it.
const contextLength = 300

// errInjected is what a failing engine answers.
var errInjected = errors.New("injected failure")

// bench is the API over a scripted engine.
type bench struct {
	http.Handler
	tokenizer *tokenizer.Tokenizer
	grammars  *completion.Grammars
	engine    *enginetest.Engine
	statuses  []string // of finished requests
	finished  func()   // is called after each
	deadline  time.Duration
	observe   completion.Observer
	logger    *slog.Logger
	sampling  *completion.SamplingDefaults
}

func newBench(t testing.TB, script func(*bench, engine.Request) enginetest.Script) *bench {
	t.Helper()
	b := &bench{tokenizer: apitest.Tokenizer(t), grammars: apitest.Grammars(t), engine: &enginetest.Engine{}, finished: func() {}, deadline: time.Minute}
	if script != nil {
		b.engine.Script = func(r engine.Request) enginetest.Script { return script(b, r) }
	}
	b.serve()
	return b
}

// serve makes the handler.
func (b *bench) serve() {
	b.Handler = handler(httpapi.Config{
		Service: completion.Service{
			Model: "org/m", Fingerprint: "fp", RetryAfter: func() time.Duration { return 7 * time.Second },
			Completer: &completion.Completer{
				Engine:    completion.Local{Engine: b.engine, Grammars: b.grammars},
				Tokenizer: b.tokenizer, Context: contextLength, Observe: b.observe,
			},
			Template: chat.MustParse(chat.KarakuriTemplate, b.tokenizer), Attributes: chat.Attributes{"humor": 2}, Deadline: b.deadline, Logger: b.logger, Sampling: b.sampling,
			Done: func(status string, _ time.Duration, _ string) {
				b.statuses = append(b.statuses, status)
				b.finished()
			},
		},
	}, func() bool { return false })
}

// handler serves the API as a router does.
func handler(c httpapi.Config, ready func() bool) http.Handler {
	return httpapi.Handler(c, New(c), httpapi.API{Routes: httpapi.Probes(ready)})
}

// saying answers every request with a text.
func saying(text string) func(*bench, engine.Request) enginetest.Script {
	return func(b *bench, _ engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: b.tokenizer.Encode(text)}
	}
}

// failing fails every request that is valid.
func failing(*bench, engine.Request) enginetest.Script { return enginetest.Script{Refuse: errInjected} }

func (b *bench) post(path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return record(b, r)
}

// record serves a request and keeps the answer.
func record(b *bench, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

// ask posts a request that must succeed and decodes the answer.
func ask[T any](t testing.TB, b *bench, path, body string) T {
	t.Helper()
	w := b.post(path, body)
	var out T
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%s %s: %d %s", path, body, w.Code, w.Body)
	}
	decoder := json.NewDecoder(w.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&out); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out
}

// readError decodes an error answer; it fails when the shape is not OpenAI's.
func readError(t testing.TB, w *httptest.ResponseRecorder) (message, kind, param, code string) {
	t.Helper()
	var shape map[string]map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &shape); err != nil || len(shape) != 1 || len(shape["error"]) != 5 {
		t.Fatalf("%d %s is not an error of OpenAI's shape", w.Code, w.Body)
	}
	text := func(name string) string {
		v, ok := shape["error"][name]
		if !ok {
			t.Fatalf("%s has no %s", w.Body, name)
		}
		s, _ := v.(string)
		return s
	}
	if id := w.Header().Get(httpapi.IDHeader); id == "" || text("request_id") != id {
		t.Errorf("%s does not name the request %q", w.Body, id)
	}
	return text("message"), text("type"), text("param"), text("code")
}
