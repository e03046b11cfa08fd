package openai

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/model/chat"
	"github.com/hachi-serve/hachi/model/tokenizer"
	"github.com/hachi-serve/hachi/router/engine"
	"github.com/hachi-serve/hachi/router/scheduler"
)

// refusing takes no request: what reaches it was valid.
type refusing struct{ err error }

func (r refusing) Submit(context.Context, engine.Request) (*engine.Stream, error) { return nil, r.err }

var errReached = errors.New("reached the engine")

func handler(t testing.TB, err error) http.Handler {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), tokenizer.MistralV1(), 0o600); err != nil {
		t.Fatal(err)
	}
	tok, loadErr := tokenizer.Load(dir)
	if loadErr != nil {
		t.Fatal(loadErr)
	}
	return Handler(Config{
		Engine: refusing{err}, Tokenizer: tok, Template: chat.Karakuri(tok), Model: "m", Deadline: time.Minute,
		Ready: func() bool { return false }, Metrics: http.NotFoundHandler(),
	})
}

func post(h http.Handler, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
	return w
}

func TestBadRequestsNameTheirFault(t *testing.T) {
	h := handler(t, errReached)
	const user = `"messages":[{"role":"user","content":"x"}]`
	tests := []struct {
		path, body string
		status     int
		mention    string
	}{
		{"/v1/chat/completions", `{` + user, 400, "JSON"},
		{"/v1/chat/completions", `[]`, 400, "JSON"},
		{"/v1/chat/completions", `{} {}`, 400, "JSON"},
		{"/v1/chat/completions", "{\"model\":\"\xff\"}", 400, "UTF-8"},
		{"/v1/chat/completions", `{}`, 400, "messages"},
		{"/v1/chat/completions", `{"messages":"x"}`, 400, "messages"},
		{"/v1/chat/completions", `{"messages":[{"content":"x"}]}`, 400, "role"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, 400, "image_url"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":"x","helpfulness":5}]}`, 400, "helpfulness"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":"x","kindness":1}]}`, 400, "kindness"},
		{"/v1/chat/completions", `{` + user + `,"attributes":{"humor":-1}}`, 400, "humor"},
		{"/v1/chat/completions", `{` + user + `,"temperature":3}`, 400, "temperature"},
		{"/v1/chat/completions", `{` + user + `,"temperature":"hot"}`, 400, "temperature"},
		{"/v1/chat/completions", `{` + user + `,"top_p":0}`, 400, "top_p"},
		{"/v1/chat/completions", `{` + user + `,"n":0}`, 400, "n is 0"},
		{"/v1/chat/completions", `{` + user + `,"max_tokens":0}`, 400, "max_tokens"},
		{"/v1/chat/completions", `{` + user + `,"top_logprobs":3}`, 400, "logprobs"},
		{"/v1/chat/completions", `{` + user + `,"tools":[{}]}`, 400, "tools"},
		{"/v1/chat/completions", `{` + user + `,"logit_bias":{"1":2}}`, 400, "logit_bias"},
		{"/v1/chat/completions", `{` + user + `,"stop":["a","b","c","d","e"]}`, 400, "stop"},
		{"/v1/chat/completions", `{` + user + `,"model":"other"}`, 404, "other"},
		{"/v1/completions", `{}`, 400, "prompt"},
		{"/v1/completions", `{"prompt":{}}`, 400, "prompt"},
		{"/v1/completions", `{"prompt":"x","logprobs":9}`, 400, "logprobs"},
		{"/v1/nothing", `{}`, 404, "route"},
	}
	for _, tt := range tests {
		w := post(h, tt.path, tt.body)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.mention) || !strings.Contains(w.Body.String(), `"error"`) {
			t.Errorf("%s %s: %d %s, want %d and %q", tt.path, tt.body, w.Code, w.Body, tt.status, tt.mention)
		}
	}
	if w := post(h, "/v1/completions", `{"prompt":"`+strings.Repeat("x", maxBody)+`"}`); w.Code != 413 {
		t.Errorf("a huge body: %d", w.Code)
	}
}

func TestHarmlessFieldsPass(t *testing.T) {
	h := handler(t, errReached)
	for _, body := range []string{
		`{"messages":[{"role":"developer","content":"s"},{"role":"user","content":[{"type":"text","text":"x"}],"humor":2}],"user":"u","store":true,"metadata":{},"tools":[],"response_format":{"type": "text"}}`,
		`{"messages":[{"role":"user","content":"x"}],"max_completion_tokens":4,"attributes":{"humor":1},"top_k":-1,"frequency_penalty":0}`,
	} {
		if w := post(h, "/v1/chat/completions", body); !strings.Contains(w.Body.String(), errReached.Error()) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}

func TestFullQueueIsTooManyRequests(t *testing.T) {
	w := post(handler(t, scheduler.ErrQueueFull), "/v1/completions", `{"prompt":"x"}`)
	if w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
}

func FuzzRequest(f *testing.F) {
	f.Add("/v1/chat/completions", `{"messages":[{"role":"user","content":"x","humor":2}],"n":2,"stop":["a"]}`)
	f.Add("/v1/completions", `{"prompt":[[1,2],[3]],"logprobs":3,"echo":true,"stream":true}`)
	f.Add("/tokenize", `{"prompt":"日本"}`)
	f.Add("/detokenize", `{"tokens":[1,-5,99999999]}`)
	h := handler(f, errReached)
	f.Fuzz(func(t *testing.T, path, body string) {
		if strings.ContainsAny(path, " \r\n\x00?#%") || !strings.HasPrefix(path, "/") {
			return
		}
		if w := post(h, path, body); w.Code < 200 || (w.Code == 500 && !strings.Contains(w.Body.String(), errReached.Error())) {
			t.Errorf("%s %q: %d %s", path, body, w.Code, w.Body)
		}
	})
}
