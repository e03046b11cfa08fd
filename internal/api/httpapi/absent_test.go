package httpapi

import (
	"strings"
	"testing"
)

// TestUnknownPathsSayTheWayOut: what was meant, or what hachi has instead.
func TestUnknownPathsSayTheWayOut(t *testing.T) {
	h := serving(Config{}, answering)
	for path, want := range map[string]string{
		"/ask":                    "did you mean /v1/ask?",
		"/v1/v1/ask":              "did you mean /v1/ask?",
		"/v1/ask/ask":             "did you mean /v1/ask?",
		"/api/v1//ask/":           "did you mean /v1/ask?",
		"/v1/healthz":             "did you mean /healthz?",
		"/v1/embeddings":          "make no embeddings",
		"/embeddings":             "make no embeddings",
		"//v1//embeddings/":       "make no embeddings",
		"/v1/rerank":              "make no embeddings",
		"/v1/audio/speech":        "text only",
		"/v1/images/generations":  "text only",
		"/v1/moderations":         "no moderation model",
		"/v1/files/file-7":        "stores nothing",
		"/v1/batches":             "POST /v1/chat/completions",
		"/v1/threads/1/runs":      "stores no conversations",
		"/v1/fine_tuning/jobs":    "trains none",
		"/generate":               "POST /v1/completions",
		"/api/chat":               "base URL /v1",
		"/health":                 "GET /healthz",
		"/version":                "GET /v1/models",
		"/v1/nothing":             "unknown URL: POST /v1/nothing",
		"/v1":                     "unknown URL: POST /v1",
		"/":                       "unknown URL: POST /",
		"/v1/../v1/ask/../nearly": "unknown URL",
	} {
		w := do(h, "POST", path, `{}`)
		if body := w.Body.String(); w.Code != 404 || !strings.Contains(body, want) || !strings.Contains(body, `"code":"unknown_url"`) {
			t.Errorf("%s: %d %s, want %q", path, w.Code, body, want)
		}
	}
}

func TestSlashesDoNotCount(t *testing.T) {
	h := serving(Config{}, answering)
	for _, path := range []string{"/v1/ask", "/v1/ask/", "/v1/ask///", "//v1/ask", "/v1//ask/"} {
		if w := do(h, "POST", path, `{}`); w.Code != 200 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for path, want := range map[string]int{"/v1/model/x": 200, "/v1/model/org/x/": 200, "/v1/model//x": 200, "/v1/model": 404, "/v1/model/": 404} {
		if w := do(h, "GET", path, ``); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}
