package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/api/failure"
)

// refuseForeignPages refuses what a page of another site makes a browser of this
// machine send to a listener that only this machine reaches: a request whose Host is
// another name, which the site's DNS has led here, and a request that changes or
// computes something and comes from another origin. Origins are those that may.
func refuseForeignPages(c Config, next http.Handler) http.Handler {
	if !c.Local {
		return next
	}
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		allowed := origin != "" && (slices.Contains(c.Origins, AnyOrigin) || slices.Contains(c.Origins, origin))
		switch err := origins.Check(r); {
		case !c.isLocal(r.Host):
			Fail(w, forbidden(fmt.Sprintf("the Host header is %q, which does not name this machine: if a proxy sends it, give its name with --allowed-host", r.Host)))
		case err != nil && !allowed:
			Fail(w, forbidden(fmt.Sprintf("a web page of the origin %q may not call: if it should, start the router with --cors-origin", origin)))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func forbidden(message string) *Error {
	return &Error{Status: http.StatusForbidden, Type: failure.TypeInvalid, Code: failure.CodePermission, Message: message}
}

// isLocal reports whether a Host header names this machine, by any port: a forwarded
// port is another than the listener's. A request of HTTP/1.0 may have none, and no
// browser sends such requests.
func (c Config) isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	ip := net.ParseIP(host)
	return host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback() || slices.Contains(c.Hosts, host)
}
