package openai

import (
	"net/http"

	"github.com/hachi-serve/hachi/internal/api/failure"
)

// healthz answers GET /healthz: the process runs.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz answers GET /readyz: requests should be sent here.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if !s.ready() {
		fail(w, newError(http.StatusServiceUnavailable, failure.TypeServer, "", "", "not every expert has a serving replica"))
		return
	}
	write(w, http.StatusOK, map[string]string{"status": "ready"})
}
