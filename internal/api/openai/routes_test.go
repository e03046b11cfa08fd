package openai

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func (b *bench) do(method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestMethods(t *testing.T) {
	b := newBench(t, nil)
	tests := []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/v1/models", 200, ""},
		{"HEAD", "/v1/models", 200, ""},
		{"GET", "/healthz", 200, ""},
		{"HEAD", "/healthz", 200, ""},
		{"GET", "/readyz", 503, ""},
		{"OPTIONS", "/v1/models", 204, "GET, HEAD, OPTIONS"},
		{"OPTIONS", "/v1/chat/completions", 204, "OPTIONS, POST"},
		{"OPTIONS", "/nothing", 404, ""},
		{"GET", "/v1/chat/completions", 405, "OPTIONS, POST"},
		{"HEAD", "/v1/completions", 405, "OPTIONS, POST"},
		{"DELETE", "/v1/models/org/m", 405, "GET, HEAD, OPTIONS"},
		{"PUT", "/tokenize", 405, "OPTIONS, POST"},
		{"GET", "/", 404, ""},
		{"GET", "/v1", 404, ""},
	}
	for _, tt := range tests {
		w := b.do(tt.method, tt.path)
		if w.Code != tt.status || w.Header().Get("Allow") != tt.allow {
			t.Errorf("%s %s: %d, Allow %q, want %d, %q", tt.method, tt.path, w.Code, w.Header().Get("Allow"), tt.status, tt.allow)
		}
		if w.Code >= 400 {
			readError(t, w)
		}
	}
}

func TestModels(t *testing.T) {
	b := newBench(t, nil)
	const card = `{"id":"org/m","object":"model","created":`
	if w := b.do(http.MethodGet, "/v1/models"); !strings.HasPrefix(w.Body.String(), `{"data":[`+card) || !strings.Contains(w.Body.String(), `"object":"list"`) {
		t.Errorf("%s", w.Body)
	}
	if w := b.do(http.MethodGet, "/v1/models/org/m"); w.Code != 200 || !strings.HasPrefix(w.Body.String(), card) || !strings.Contains(w.Body.String(), `"max_model_len":300,"attributes":["helpfulness","correctness",`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w := b.do(http.MethodGet, "/v1/models/org%2Fother")
	if _, _, param, code := readError(t, w); w.Code != 404 || param != "model" || code != "model_not_found" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestTokenize(t *testing.T) {
	b := newBench(t, nil)
	type answer struct {
		Tokens []int32 `json:"tokens"`
		Count  int     `json:"count"`
		Max    int     `json:"max_model_len"`
	}
	for _, tt := range []struct {
		body string
		want int
	}{
		{`{"prompt":"Hello world"}`, 3},
		{`{"prompt":"Hello world","add_special_tokens":false}`, 2},
		{`{"prompt":""}`, 1},
		{`{"prompt":"","add_special_tokens":false}`, 0},
		{`{"messages":[{"role":"user","content":"x"}]}`, 90},
	} {
		got := ask[answer](t, b, "/tokenize", tt.body)
		if got.Tokens == nil || got.Count != len(got.Tokens) || got.Max != contextLength || tt.want != got.Count && tt.want != 90 || tt.want == 90 && got.Count < 20 {
			t.Errorf("%s: %+v", tt.body, got)
		}
	}
	type text struct {
		Prompt string `json:"prompt"`
	}
	if got := ask[text](t, b, "/detokenize", `{"tokens":[1,22557,1526]}`); got.Prompt != "Hello world" {
		t.Errorf("%q", got.Prompt)
	}
	if got := ask[text](t, b, "/detokenize", `{"tokens":[]}`); got.Prompt != "" {
		t.Errorf("%q", got.Prompt)
	}
	if n := len(b.engine.Calls()); n != 0 {
		t.Errorf("%d requests reached the engine", n)
	}
}

func TestRequestIDs(t *testing.T) {
	b := newBench(t, nil)
	if got := b.post("/tokenize", `{"prompt":"x"}`, "X-Request-Id", "mine").Header().Get("X-Request-Id"); got != "mine" {
		t.Errorf("%q", got)
	}
	if got := b.post("/tokenize", `{"prompt":"x"}`).Header().Get("X-Request-Id"); !strings.HasPrefix(got, "req-") {
		t.Errorf("%q", got)
	}
}
