package openai

import "net/http"

// health answers GET /healthz: the process runs.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ready answers GET /readyz: requests should be sent here.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if !s.cfg.Ready() {
		fail(w, newError(http.StatusServiceUnavailable, "server_error", "", "", "not every expert has a serving replica"))
		return
	}
	write(w, http.StatusOK, map[string]string{"status": "ready"})
}
