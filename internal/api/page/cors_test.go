package page_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestPageOfAnotherOriginStreams: with --cors-origin of that origin, and not
// without.
func TestPageOfAnotherOriginStreams(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><title>other</title>"))
	}))
	t.Cleanup(other.Close)
	for _, tt := range []struct {
		name    string
		origins []string
		want    string
	}{
		{"allowed", []string{other.URL}, "Hello from afar"},
		{"any", []string{"*"}, "Hello from afar"},
		{"none", nil, "TypeError"},
		{"another", []string{"http://elsewhere.example"}, "TypeError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, options{origins: tt.origins, script: saying("Hello from afar")})
			p := newTab(t)
			p.Run(navigate(other.URL))
			got := eval[string](p, fmt.Sprintf(`(async () => {
				try {
					const response = await fetch(%q, {
						method: "POST", headers: { "Content-Type": "application/json", "Authorization": "Bearer x" },
						body: JSON.stringify({ stream: true, messages: [{ role: "user", content: "Hi" }] }),
					});
					const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
					let all = "";
					for (let part = await reader.read(); !part.done; part = await reader.read()) { all += part.value; }
					return all.split("\n\n").filter((e) => e.startsWith("data: {")).map((e) => JSON.parse(e.slice(6)).choices[0].delta.content ?? "").join("");
				} catch (err) {
					return err.name;
				}
			})()`, s.URL+"/v1/chat/completions"))
			if got != tt.want {
				t.Errorf("the page got %q, want %q", got, tt.want)
			}
			p.Forgive("CORS policy")
		})
	}
}
