package openai

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/logtest"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
)

// logged serves b with a log of which it returns the lines as objects.
func logged(b *bench, level slog.Level) func(t *testing.T) []map[string]any {
	var buf logtest.Log
	b.logger = slog.New(slog.NewJSONHandler(&buf, &slog.HandlerOptions{Level: level}))
	b.serve()
	return func(t *testing.T) []map[string]any {
		t.Helper()
		var all []map[string]any
		for line := range strings.Lines(buf.String()) {
			one := map[string]any{}
			if err := json.Unmarshal([]byte(line), &one); err != nil {
				t.Fatal(err)
			}
			all = append(all, one)
		}
		return all
	}
}

// TestRequestIDIsInHeaderLogAndError: one id, the client's or a new one.
func TestRequestIDIsInHeaderLogAndError(t *testing.T) {
	b := newBench(t, failing)
	lines := logged(b, slog.LevelInfo)
	w := b.post(textPath, `{"prompt":"x"}`, httpapi.IDHeader, "client-7")
	readError(t, w) // the body has the header's id
	if id := w.Header().Get(httpapi.IDHeader); id != "client-7" {
		t.Errorf("the answer is to %q", id)
	}
	got := lines(t)
	if len(got) != 1 || got[0]["request_id"] != "client-7" || got[0]["status"] != "500" || got[0]["err"] != errInjected.Error() || got[0]["level"] != "ERROR" {
		t.Errorf("the log has %v", got)
	}
	if b.post(textPath, `{}`); lines(t)[1]["level"] != "INFO" {
		t.Errorf("a fault of the client is %v", lines(t)[1])
	}
	for _, given := range []string{"", "a b", "a\tb", "日本", strings.Repeat("x", 129)} {
		w := b.post("/v1/nothing", `{}`, httpapi.IDHeader, given)
		readError(t, w)
		if id := w.Header().Get(httpapi.IDHeader); !strings.HasPrefix(id, "req-") {
			t.Errorf("%q became %q", given, id)
		}
	}
}

// TestRequestIDReachesTheEngine, whose log lines name it.
func TestRequestIDReachesTheEngine(t *testing.T) {
	b := newBench(t, nil)
	w := b.post(textPath, `{"prompt":"x","n":2}`)
	for _, c := range b.engine.Calls() {
		if id := w.Header().Get(httpapi.IDHeader); id == "" || c.Request.ID != id {
			t.Errorf("the engine runs %q for %q", c.Request.ID, id)
		}
	}
}

// TestAccessLogCountsTokens, and probes are no requests of clients.
func TestAccessLogCountsTokens(t *testing.T) {
	b := newBench(t, saying("Hello world"))
	lines := logged(b, slog.LevelInfo)
	b.post(textPath, `{"prompt":"x","n":2}`)
	b.post(chatPath, `{`+user+`,"stream":true}`)
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil)
	b.ServeHTTP(discard{}, r)
	got := lines(t)
	if len(got) != 2 {
		t.Fatalf("%d lines: %v", len(got), got)
	}
	first := got[0]
	if first["method"] != "POST" || first["path"] != textPath || first["status"] != "200" || first["prompt_tokens"] != 2.0 || first["completion_tokens"] != 4.0 || first["duration"] == nil {
		t.Errorf("%v", first)
	}
	if second := got[1]; second["path"] != chatPath || second["completion_tokens"] != 2.0 || second["request_id"] == first["request_id"] {
		t.Errorf("%v", second)
	}
}

// discard is an answer that is not read.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// panicking is an engine that panics, at once or when its answer is read.
type panicking struct{ late bool }

func (panicking) Check(context.Context, *completion.Language) error { return nil }

func (p panicking) Submit(context.Context, engine.Request, *completion.Language) (completion.Stream, error) {
	if !p.late {
		panic("broken engine")
	}
	return nil, nil // no stream: the reader panics
}

// TestPanicIsAnError with the request's id, in an answer, in a stream that has
// begun, and in the goroutines that read choices; the log has its stack.
func TestPanicIsAnError(t *testing.T) {
	b := newBench(t, nil)
	lines := logged(b, slog.LevelInfo)
	serve := func(e completion.Engine) {
		cfg := httpapi.Config{Service: completion.Service{
			Completer: &completion.Completer{Engine: e, Tokenizer: b.tokenizer, Context: contextLength},
			Deadline:  b.deadline, Logger: b.logger,
		}}
		b.Handler = handler(cfg, func() bool { panic("broken probe") })
	}
	serve(panicking{})
	probe, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil)
	for path, w := range map[string]*httptest.ResponseRecorder{textPath: b.post(textPath, `{"prompt":"x"}`), "/readyz": record(b, probe)} {
		if message, kind, _, _ := readError(t, w); w.Code != 500 || kind != "server_error" || !strings.Contains(message, "broken") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	serve(panicking{late: true})
	if w := b.post(textPath, `{"prompt":"x","n":2}`); w.Code != 500 {
		t.Errorf("a panic while reading: %d %s", w.Code, w.Body)
	}
	got := lines(t)
	panics := slices.DeleteFunc(got, func(line map[string]any) bool { return line["level"] != "ERROR" })
	if len(panics) != 3 || len(got) != 3 {
		t.Fatalf("%d lines, %d of them of panics: %v", len(got), len(panics), got)
	}
	for _, line := range panics {
		if line["request_id"] == "" || !strings.Contains(line["stack"].(string), "goroutine") {
			t.Errorf("%v", line)
		}
	}
}

// TestPanicInAStreamIsItsLastEvent.
func TestPanicInAStreamIsItsLastEvent(t *testing.T) {
	b := newBench(t, nil)
	c := httpapi.Config{Service: completion.Service{Deadline: b.deadline}}
	b.Handler = httpapi.Handler(c, httpapi.API{Shape: Shape, Routes: map[string]httpapi.Methods{
		"/": {http.MethodPost: c.Post(func(c *httpapi.Call) error {
			out, _ := c.Stream(streamShape)
			_ = out.Send(httpapi.Event{Data: "begun"})
			panic("broken stream")
		})},
	}})
	w := b.post("/", "{}")
	if body := w.Body.String(); !strings.Contains(body, `data: "begun"`) || !strings.Contains(body, "broken stream") || strings.Contains(body, "[DONE]") {
		t.Errorf("%s", body)
	}
}

// TestCacheSaltSeparatesPrefixCaches: equal salts share, others do not, and none is
// the common cache.
func TestCacheSaltSeparatesPrefixCaches(t *testing.T) {
	b := newBench(t, func(*bench, engine.Request) enginetest.Script { return enginetest.Script{} })
	salt := func(parameter string) uint64 {
		b.engine.Forget()
		ask[textShape](t, b, textPath, `{"prompt":"x"`+parameter+`}`)
		ask[chatShape](t, b, chatPath, `{`+user+parameter+`}`)
		calls := b.engine.Calls()
		if calls[0].Request.CacheSalt != calls[1].Request.CacheSalt {
			t.Errorf("%s: chat and completions differ", parameter)
		}
		return calls[0].Request.CacheSalt
	}
	long := strings.Repeat("s", 1<<16)
	a, again, other := salt(`,"cache_salt":"`+long+`a"`), salt(`,"cache_salt":"`+long+`a"`), salt(`,"cache_salt":"`+long+`b"`)
	if a != again || a == other || a == 0 || other == 0 {
		t.Errorf("salts %d, %d, %d", a, again, other)
	}
	if none := salt(""); none != 0 || salt(`,"cache_salt":null`) != 0 {
		t.Errorf("without a salt: %d", none)
	}
	if _, _, param, code := readError(t, b.post(textPath, `{"prompt":"x","cache_salt":""}`)); param != "cache_salt" || code != httpapi.CodeValue {
		t.Errorf("an empty salt: %s %s", param, code)
	}
}
