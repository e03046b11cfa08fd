package httpapi

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// TestPagesOfOtherSitesDoNotReachThisMachine: neither by a name of their own, which
// DNS leads to 127.0.0.1, nor by a request that a browser sends without asking.
func TestPagesOfOtherSitesDoNotReachThisMachine(t *testing.T) {
	const local = "127.0.0.1:8080"
	for _, tt := range []struct {
		name, method, path, host string
		headers                  []string
		want                     int
	}{
		{"curl", "POST", "/v1/ask", local, nil, 200},
		{"localhost", "POST", "/v1/ask", "localhost:8080", nil, 200},
		{"a forwarded port", "POST", "/v1/ask", "LocalHost:9000", nil, 200},
		{"a name below localhost", "POST", "/v1/ask", "hachi.localhost", nil, 200},
		{"IPv6", "POST", "/v1/ask", "[::1]:8080", nil, 200},
		{"IPv6 without a port", "POST", "/v1/ask", "[::1]", nil, 200},
		{"a proxy on this machine", "POST", "/v1/ask", "chat.example:443", nil, 200},
		{"the page of the router", "POST", "/v1/ask", local, []string{"Origin", "http://" + local, "Sec-Fetch-Site", "same-origin"}, 200},
		{"an allowed page", "POST", "/v1/ask", local, []string{"Origin", page, "Sec-Fetch-Site", "same-site"}, 200},
		{"rebound name", "POST", "/v1/ask", "evil.example:8080", nil, 403},
		{"rebound name reads", "GET", "/healthz", "evil.example", nil, 403},
		{"rebound name of the page's own", "POST", "/v1/ask", "evil.example", []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "same-origin"}, 403},
		{"like localhost", "POST", "/v1/ask", "localhost.evil.example", nil, 403},
		{"like an address", "POST", "/v1/ask", "127.0.0.1.evil.example", nil, 403},
		{"another machine's address", "POST", "/v1/ask", "10.0.0.7:8080", nil, 403},
		{"drive-by post", "POST", "/v1/ask", local, []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"drive-by post of an old browser", "POST", "/v1/ask", local, []string{"Origin", "https://evil.example"}, 403},
		{"drive-by post without a type", "POST", "/v1/ask", local, []string{"Origin", "null", "Content-Type", ""}, 403},
		{"another port of this machine", "POST", "/v1/ask", local, []string{"Origin", "http://localhost:3001", "Sec-Fetch-Site", "same-site"}, 403},
		{"drive-by to an unknown URL", "DELETE", "/nothing", local, []string{"Origin", "https://evil.example"}, 403},
		{"a link", "GET", "/healthz", local, []string{"Sec-Fetch-Site", "cross-site"}, 200},
	} {
		for _, isLocal := range []bool{true, false} {
			h := serving(Config{Local: isLocal, Hosts: []string{"chat.example"}, Origins: []string{page}}, versatile)
			r := httptest.NewRequest(tt.method, tt.path, strings.NewReader("{}"))
			r.Host = tt.host
			for i := 0; i < len(tt.headers); i += 2 {
				r.Header.Set(tt.headers[i], tt.headers[i+1])
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if got := w.Code == 403; got != (isLocal && tt.want == 403) || got && !strings.Contains(w.Body.String(), "permission_denied") {
				t.Errorf("%s, local %v: %d %s", tt.name, isLocal, w.Code, w.Body)
			}
		}
	}
}
