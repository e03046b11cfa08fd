package httpapi

import (
	"net/http"

	"github.com/hachi-serve/hachi/internal/api/failure"
)

// Probes are the routes for a supervisor that watches the process. ready reports whether
// requests should be sent here.
func Probes(ready func() bool) map[string]Methods {
	return map[string]Methods{
		"/healthz": {http.MethodGet: healthz},
		"/readyz": {http.MethodGet: func(w http.ResponseWriter, _ *http.Request) {
			if !ready() {
				Fail(w, &Error{Status: http.StatusServiceUnavailable, Type: failure.TypeServer, Message: "not every expert has a serving replica"})
				return
			}
			WriteJSON(w, http.StatusOK, map[string]string{"status": "ready"})
		}},
	}
}

// healthz answers that the process runs.
func healthz(w http.ResponseWriter, _ *http.Request) {
	WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}
