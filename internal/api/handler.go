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
	process := httpapi.Probes(ready)
	if c.Metrics != nil {
		process["/metrics"] = httpapi.Methods{http.MethodGet: c.Metrics.ServeHTTP}
	}
	return httpapi.Handler(c.Config, openai.New(c.Config), responses.New(c.Config, openai.Shape),
		anthropic.New(c.Config), httpapi.API{Routes: process}, httpapi.API{Routes: pageRoutes()})
}

// pageRoutes are those of the chat page. Its errors have the shape of the first
// API's, as those of the probes have.
func pageRoutes() map[string]httpapi.Methods {
	routes := map[string]httpapi.Methods{}
	for path, get := range page.Handlers() {
		routes[path] = httpapi.Methods{http.MethodGet: get}
	}
	return routes
}
