package page_test

import (
	"bytes"
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"
)

// reply is what a server answered, body included.
type reply struct {
	*http.Response
	body []byte
}

func (s *server) do(method, target string, header ...string) reply {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+target, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w, err := s.Client().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{w, body}
}

var linked = regexp.MustCompile(`(?:href=|src=|from )"([^"#]+)"`)

// files are the paths that a page and its modules name.
func (s *server) files() map[string]bool {
	all := map[string]bool{}
	var visit func(at string)
	visit = func(at string) {
		for _, m := range linked.FindAllSubmatch(s.do(http.MethodGet, at).body, -1) {
			name := string(m[1])
			if strings.HasPrefix(name, "./") {
				name = path.Join(path.Dir(at), name)
			}
			if !all[name] {
				all[name] = true
				visit(name)
			}
		}
	}
	visit("/")
	return all
}

// TestEveryFileIsServedAsWhatItIs: with its type, its policy, a validator, and a
// life in caches that its address allows.
func TestEveryFileIsServedAsWhatItIs(t *testing.T) {
	s := newServer(t, options{})
	kinds := map[string]string{"/": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	files := s.files()
	if len(files) < 15 {
		t.Errorf("the page has only %d files: %v", len(files), files)
	}
	files["/"] = true
	for file := range files {
		kind, caching := kinds[path.Ext(file)], "public, max-age=31536000, immutable"
		if file == "/" {
			kind, caching = kinds["/"], "no-cache"
		} else if !regexp.MustCompile(`^/page/[0-9a-f]{16}/[a-z]+\.[a-z]+$`).MatchString(file) {
			t.Errorf("%s has no hash in its address, or lies elsewhere", file)
		}
		got := s.do(http.MethodGet, file)
		h := got.Header
		if got.StatusCode != http.StatusOK || h.Get("Content-Type") != kind || h.Get("Cache-Control") != caching || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", file, got.StatusCode, h)
		}
		policy := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "connect-src 'self'", "frame-ancestors 'none'", "trusted-types 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy %q does not say %s", file, policy, part)
			}
		}
		if head := s.do(http.MethodHead, file); head.StatusCode != http.StatusOK || len(head.body) > 0 || head.ContentLength != int64(len(got.body)) || head.Header.Get("Etag") != h.Get("Etag") {
			t.Errorf("HEAD %s: %d, %d bytes, %v", file, head.StatusCode, len(head.body), head.Header)
		}
		if again := s.do(http.MethodGet, file, "If-None-Match", h.Get("Etag")); h.Get("Etag") == "" || again.StatusCode != http.StatusNotModified || len(again.body) > 0 {
			t.Errorf("%s: a client that has %q gets %d", file, h.Get("Etag"), again.StatusCode)
		}
		if bytes.Contains(got.body, []byte("{{")) || file == "/" && bytes.Contains(got.body, []byte("<script>")) {
			t.Errorf("%s has a placeholder left, or a script in its text", file)
		}
	}
}

// TestPageShadowsNoOtherPath: unknown URLs are the API's errors, in JSON.
func TestPageShadowsNoOtherPath(t *testing.T) {
	s := newServer(t, options{})
	for _, target := range []string{"/index.html", "/page", "/page/", "/page/0000000000000000/app.js", "/favicon.ico", "/v1/nothing", "/assets/app.js", "/page/../app.js"} {
		if got := s.do(http.MethodGet, target); got.StatusCode != http.StatusNotFound || !bytes.Contains(got.body, []byte(`"unknown_url"`)) || got.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", target, got.StatusCode, got.body)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		if got := s.do(method, "/"); got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("%s /: %d %v %s", method, got.StatusCode, got.Header, got.body)
		}
	}
}
