package role

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/failure"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/api/openai"
	"github.com/hachi-serve/hachi/internal/console"
	"github.com/hachi-serve/hachi/internal/histograms"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/transport/peers"
)

// adminAPI serves the inside of a process at a listener of its own: metrics, profiles,
// gRPC reflection and channelz. A profile may have prompts in it.
type adminAPI struct {
	routes map[string]httpapi.Methods
	// services are those that reflection describes.
	services offered
	gate     *keys.Gate
	// console makes the console behind the gate; nil is none.
	console func(gate *keys.Gate, logger *slog.Logger) http.Handler
	source  *identity.Source // nil is plaintext
	logger  *slog.Logger
	ready   func() bool // nil is always
}

// start serves at an address until stop, which returns when nothing is served any
// more. "" is no address.
func (a adminAPI) start(c AdminConfig) (stop func(), err error) {
	if c.AdminListen == "" {
		return func() {}, nil
	}
	inner, err := net.Listen("tcp", c.AdminListen)
	if err != nil {
		return nil, &ConfigError{Err: &FieldError{Field: "security.adminListen", Err: err}}
	}
	return a.serve(peers.Bound(inner, peers.MaxConnections)), nil
}

// serve serves on a listener until stop, which returns when nothing is served any more.
func (a adminAPI) serve(l net.Listener) (stop func()) {
	server := &http.Server{
		Handler: a.handler(IsLoopback(l.Addr().String())), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: httpapi.MaxHeader, IdleTimeout: 2 * time.Minute, Protocols: &http.Protocols{},
		ErrorLog: slog.NewLogLogger(a.logger.Handler(), slog.LevelDebug),
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true) // gRPC in plaintext
	if a.source != nil {
		server.TLSConfig = a.source.ClientsTLS()
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		var err error
		if server.TLSConfig == nil {
			err = server.Serve(l)
		} else {
			err = server.ServeTLS(l, "", "")
		}
		if !errors.Is(err, http.ErrServerClosed) {
			a.logger.Error("admin API ended", "err", err)
		}
	})
	return func() {
		server.Close()
		serving.Wait()
	}
}

// handler asks for an operator's certificate or an admin's key. Where there is
// neither, only this machine reaches the listener, or the operator has said
// --insecure.
func (a adminAPI) handler(local bool) http.Handler {
	return httpapi.Handler(
		httpapi.Config{Service: completion.Service{Logger: a.logger}, Gate: a.admins(), Local: local, IsAdmin: isOperator}, a.tables()...,
	)
}

// admins has the keys of admins, or, where certificates are shown and there are no keys,
// none that passes.
func (a adminAPI) admins() *keys.Gate {
	gate := &keys.Gate{}
	if a.gate != nil {
		gate.Admins = a.gate.Admins
	}
	if gate.Admins == nil && a.source != nil {
		gate.Admins = keys.NewGuard(nil)
	}
	return gate
}

// tables are everything that the admin API serves.
func (a adminAPI) tables() []httpapi.API {
	routes := map[string]httpapi.Methods{}
	for path, get := range map[string]http.HandlerFunc{
		"/debug/pprof": pprof.Index, "/debug/pprof/": pprof.Index, "/debug/pprof/cmdline": pprof.Cmdline,
		"/debug/pprof/profile": pprof.Profile, "/debug/pprof/symbol": pprof.Symbol, "/debug/pprof/trace": pprof.Trace,
	} {
		routes[path] = httpapi.Methods{http.MethodGet: get}
	}
	maps.Copy(routes, grpcRoutes(a.services))
	maps.Copy(routes, a.routes)
	return []httpapi.API{
		{Shape: openai.Shape, Routes: routes, Access: httpapi.AdminAccess},
		{Shape: openai.Shape, Access: httpapi.OpenAccess, Routes: map[string]httpapi.Methods{
			"/healthz": httpapi.Probes(nil)["/healthz"], "/readyz": {http.MethodGet: a.readyz},
		}},
		{Shape: openai.Shape, Access: httpapi.OpenAccess, Routes: a.consoleRoutes()},
	}
}

// consoleRoutes lead to the console, which asks each person who they are: a browser
// without a key is led to a page that asks for one.
func (a adminAPI) consoleRoutes() map[string]httpapi.Methods {
	if a.console == nil {
		return nil
	}
	pages := a.console(a.admins(), a.logger)
	all := httpapi.Methods{http.MethodGet: pages.ServeHTTP, http.MethodPost: pages.ServeHTTP}
	return map[string]httpapi.Methods{
		console.Root: all, console.Root + "/": all, "/": {http.MethodGet: http.RedirectHandler(console.Root, http.StatusSeeOther).ServeHTTP},
	}
}

// readyz answers probes, which have no certificate.
func (a adminAPI) readyz(w http.ResponseWriter, _ *http.Request) {
	if a.ready != nil && !a.ready() {
		httpapi.Fail(w, &httpapi.Error{Status: http.StatusServiceUnavailable, Type: failure.TypeServer, Message: "not every expert of the target is loaded, or the node leaves"})
		return
	}
	httpapi.WriteJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

// processRoutes are those of the admin API of a process: the metrics of the runtime,
// and its own.
func processRoutes(metrics ...prometheus.Collector) map[string]httpapi.Methods {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics...)
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return map[string]httpapi.Methods{"/metrics": {http.MethodGet: histograms.Handler(registry).ServeHTTP}}
}

// coordinatorRoutes are those of the admin API of a coordinator: its status API, and
// its metrics.
func coordinatorRoutes(api http.Handler, metrics ...prometheus.Collector) map[string]httpapi.Methods {
	routes := processRoutes(metrics...)
	routes["/v1/status"] = httpapi.Methods{http.MethodGet: api.ServeHTTP}
	routes["/v1/nodes/"] = httpapi.Methods{http.MethodPut: api.ServeHTTP, http.MethodDelete: api.ServeHTTP}
	return routes
}

// isOperator reports whether a connection shows the certificate of an operator.
func isOperator(c *tls.ConnectionState) bool {
	id, ok := identity.PeerOf(c)
	return ok && id.Role == identity.Operator
}
