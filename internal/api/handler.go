package api

import (
	"net/http"

	"github.com/hachi-serve/hachi/internal/api/anthropic"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/openai"
	"github.com/hachi-serve/hachi/internal/api/page"
	"github.com/hachi-serve/hachi/internal/api/responses"
)

// Config is what a router serves over HTTP.
type Config struct {
	httpapi.Config
	Metrics http.Handler // of /metrics; nil is no such route
}

// Handler serves all HTTP APIs. ready reports whether requests should be sent
// here.
func Handler(c Config, ready func() bool) http.Handler {
	return httpapi.Handler(c.Config, Tables(c, ready)...)
}

// Tables are everything that a router serves. The errors of the last three have the
// shape of the first's. The files of the chat page are open: they are the same in
// every copy of hachi, and a browser that asks for them cannot send a key. What the
// page asks for needs one.
func Tables(c Config, ready func() bool) []httpapi.API {
	metrics := map[string]httpapi.Methods{}
	if c.Metrics != nil {
		metrics["/metrics"] = httpapi.Methods{http.MethodGet: c.Metrics.ServeHTTP}
	}
	return []httpapi.API{
		openai.New(c.Config), responses.New(c.Config, openai.Shape), anthropic.New(c.Config),
		{Routes: httpapi.Probes(ready), Access: httpapi.OpenAccess},
		{Routes: pageRoutes(), Access: httpapi.OpenAccess},
		{Routes: metrics, Access: httpapi.AdminAccess},
	}
}

// pageRoutes are those of the chat page.
func pageRoutes() map[string]httpapi.Methods {
	routes := map[string]httpapi.Methods{}
	for path, get := range page.Handlers() {
		routes[path] = httpapi.Methods{http.MethodGet: get}
	}
	return routes
}
