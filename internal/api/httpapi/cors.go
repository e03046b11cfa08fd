package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// AnyOrigin allows the pages of every origin.
const AnyOrigin = "*"

// exposed are the headers of an answer that a page may read.
var exposed = strings.Join([]string{IDHeader, IgnoredHeader, "Retry-After", "X-Should-Retry"}, ", ")

// CheckOrigin returns an error if a text is neither AnyOrigin nor an origin as
// browsers send it: scheme, host and port only, or null.
func CheckOrigin(origin string) error {
	if origin == AnyOrigin || origin == "null" {
		return nil
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return fmt.Errorf("%q is no origin: want %s, or a scheme, a host and a port such as http://localhost:3000", origin, AnyOrigin)
	}
	plain := strings.ToLower(u.Scheme + "://" + u.Host)
	if port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]; port != "" {
		plain = strings.TrimSuffix(plain, port) // browsers leave it out
	}
	if strings.Contains(plain, "*") {
		plain = AnyOrigin
	}
	if plain != origin {
		return fmt.Errorf("%q is no origin: did you mean %s?", origin, plain)
	}
	return nil
}

// allowOrigins lets pages of other origins read every answer, errors included. It
// answers preflight requests. Without origins it is next.
func allowOrigins(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	anyone := slices.Contains(origins, AnyOrigin)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, origin := w.Header(), r.Header.Get("Origin")
		h.Add("Vary", "Origin")
		if origin == "" || !anyone && !slices.Contains(origins, origin) {
			next.ServeHTTP(w, r)
			return
		}
		if anyone {
			origin = AnyOrigin
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", exposed)
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			preflight(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// preflight allows what a browser asks for on behalf of a page. The method and the
// path are judged when the request comes: the page can then read why it is wrong.
func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS")
	if wanted := r.Header.Get("Access-Control-Request-Headers"); wanted != "" {
		h.Set("Access-Control-Allow-Headers", wanted)
	}
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		// Chrome asks before a public page calls an address of a private network.
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	h.Set("Access-Control-Max-Age", "7200") // the maximum in Chrome
	w.WriteHeader(http.StatusNoContent)
}
