package openai

import (
	"log/slog"
	"net/http"
	"strconv"

	"github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/failure"
)

// idHeader names a request, in the request and in its answer.
const idHeader = "X-Request-Id"

// answer is a response that knows its status.
type answer struct {
	http.ResponseWriter
	status int // 0 until the header is written
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(p)
}

// Unwrap returns the connection's own writer, for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// record names each request, logs it, and answers for a handler that panics.
func (s *Server) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		record := access.Start(access.RequestID(r.Header.Get(idHeader)), r.Method, r.URL.Path)
		w.Header().Set(idHeader, record.ID)
		out := &answer{ResponseWriter: w}
		ctx := access.NewContext(r.Context(), record)
		err := failure.Catch(func() error {
			next.ServeHTTP(out, r.WithContext(ctx))
			return nil
		})
		if err != nil {
			record.Err = err
			fail(out, err)
		}
		record.Log(ctx, s.cfg.Log(), level(r.URL.Path), strconv.Itoa(out.status), ours(record.Err))
	})
}

// ours reports whether a request failed by a fault of the server.
func ours(err error) bool {
	return err != nil && toAPI(err).status == http.StatusInternalServerError
}

// level is that of a request's log line: probes come every second.
func level(path string) slog.Level {
	switch path {
	case "/healthz", "/readyz", "/metrics":
		return slog.LevelDebug
	}
	return slog.LevelInfo
}
