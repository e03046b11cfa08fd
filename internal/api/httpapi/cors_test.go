package httpapi

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

const page = "http://localhost:3000"

// requests are answers of every kind: whole, streamed, failed, not found, not
// allowed, of a panic.
var requests = []struct{ method, path, body string }{
	{"POST", "/v1/ask", `{}`},
	{"POST", "/v1/ask", `{"stream":true}`},
	{"POST", "/v1/ask", `{"stream":true,"fail":true}`},
	{"POST", "/v1/ask", `{"fail":true}`},
	{"POST", "/v1/ask", `{"panic":true}`},
	{"POST", "/v1/ask", `[]`},
	{"GET", "/v1/ask", ``},
	{"GET", "/nothing", ``},
	{"GET", "/healthz", ``},
	{"GET", "/readyz", ``},
	{"HEAD", "/healthz", ``},
	{"OPTIONS", "/v1/ask", ``},
}

// versatile answers as a request asks.
func versatile(c *Call) error {
	var stream, fail, broken bool
	c.Body.Flag("stream", &stream)
	c.Body.Flag("fail", &fail)
	if c.Body.Flag("panic", &broken); broken {
		panic("broken")
	}
	if stream {
		if _, err := c.Stream(testStream); err != nil {
			return err
		}
	}
	if fail {
		return errors.New("failed")
	}
	if !stream {
		return answering(c)
	}
	return nil
}

func TestEveryAnswerAllowsTheOrigin(t *testing.T) {
	for _, tt := range []struct {
		origins []string
		origin  string
		allowed string
	}{
		{[]string{"http://other", page}, page, page},
		{[]string{"http://other", "*"}, page, "*"},
		{[]string{"null"}, "null", "null"},
		{[]string{page}, "http://localhost:3001", ""},
		{[]string{page}, "http://LOCALHOST:3000", ""},
		{[]string{page}, "", ""},
	} {
		h := serving(Config{Origins: tt.origins}, versatile)
		for _, r := range requests {
			w := do(h, r.method, r.path, r.body, "Origin", tt.origin)
			got, exposed := w.Header().Get("Access-Control-Allow-Origin"), w.Header().Get("Access-Control-Expose-Headers")
			if got != tt.allowed || w.Header().Get("Vary") != "Origin" {
				t.Errorf("%v, %s %s %s from %q: %d, allowed %q, Vary %q", tt.origins, r.method, r.path, r.body, tt.origin, w.Code, got, w.Header().Get("Vary"))
			}
			for _, name := range []string{"X-Request-Id", "X-Ignored-Parameters", "Retry-After"} {
				if strings.Contains(exposed, name) != (tt.allowed != "") {
					t.Errorf("%s %s from %q exposes %q", r.method, r.path, tt.origin, exposed)
				}
			}
		}
	}
}

func TestWithoutOriginsNothingIsAllowed(t *testing.T) {
	h := serving(Config{}, versatile)
	for _, r := range requests {
		w := do(h, r.method, r.path, r.body, "Origin", page, "Access-Control-Request-Method", "POST")
		for name := range w.Header() {
			if strings.HasPrefix(name, "Access-Control-") || name == "Vary" {
				t.Errorf("%s %s has the header %s", r.method, r.path, name)
			}
		}
	}
}

func TestPreflight(t *testing.T) {
	h := serving(Config{Origins: []string{page}}, versatile)
	for _, path := range []string{"/v1/ask", "/v1/ask/", "/nothing", "/healthz"} {
		w := do(h, http.MethodOptions, path, "", "Origin", page, "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", "authorization,content-type,x-stainless-os", "Access-Control-Request-Private-Network", "true")
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": page, "Access-Control-Allow-Headers": "authorization,content-type,x-stainless-os",
			"Access-Control-Allow-Private-Network": "true", "Access-Control-Max-Age": "7200",
		} {
			if got := w.Header().Get(name); got != want || w.Code != http.StatusNoContent {
				t.Errorf("%s: %d, %s is %q, want %q", path, w.Code, name, got, want)
			}
		}
		if !strings.Contains(w.Header().Get("Access-Control-Allow-Methods"), "POST") || !strings.Contains(strings.Join(w.Header().Values("Vary"), ","), "Access-Control-Request-Headers") {
			t.Errorf("%s: %v", path, w.Header())
		}
	}
	if w := do(h, http.MethodOptions, "/v1/ask", "", "Origin", "http://evil", "Access-Control-Request-Method", "POST"); w.Header().Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("a foreign page may call: %v", w.Header())
	}
}

func TestCheckOrigin(t *testing.T) {
	for origin, want := range map[string]string{
		"*": "", "null": "", page: "", "https://chat.example": "", "http://[::1]:8080": "", "chrome-extension://abcdef": "",
		"localhost:3000": "is no origin", "": "is no origin", "http://": "is no origin", "http://localhost:3000/": "did you mean http://localhost:3000?",
		"https://Chat.example/app": "did you mean https://chat.example?", "https://*.example": "did you mean *?",
		"https://chat.example:443": "did you mean https://chat.example?", "http://a b": "is no origin",
	} {
		err := CheckOrigin(origin)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", origin, err, want)
		}
	}
}
