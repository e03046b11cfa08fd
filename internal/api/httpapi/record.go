package httpapi

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/failure"
)

// IDHeader names a request, in the request and in its answer.
const IDHeader = "X-Request-Id"

// answer is a response that knows its status, and how its API writes errors.
type answer struct {
	http.ResponseWriter
	shape  Shape
	stream *Stream // nil until the answer becomes a stream

	mu     sync.Mutex // guards status against probe
	status int        // 0 until the header is written
}

// answerOf returns the answer that Handler made of a writer.
func answerOf(w http.ResponseWriter) *answer {
	if a, ok := w.(*answer); ok {
		return a
	}
	return &answer{ResponseWriter: w, shape: func(e *Error, _ string) any { return map[string]string{"error": e.Message} }}
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	a.begin(status)
	a.ResponseWriter.WriteHeader(status)
}

// begin notes the status, before the first byte of the answer.
func (a *answer) begin(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.begin(http.StatusOK)
	return a.ResponseWriter.Write(p)
}

// Unwrap returns the connection's own writer, for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// record names each request, logs it, and answers for a handler that panics. An
// error has the given shape until the request's API is known.
func record(log *slog.Logger, shape Shape, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		record := access.Start(access.RequestID(r.Header.Get(IDHeader)), r.Method, r.URL.Path)
		w.Header().Set(IDHeader, record.ID)
		out := &answer{ResponseWriter: w, shape: shape}
		ctx := access.NewContext(r.Context(), record)
		r = r.WithContext(ctx)
		body := newUpload(r)
		// Or net/http would read a part of the body before it sends the answer, and close it.
		_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/2 is; a recorder has no connection
		err := failure.Catch(func() error {
			next.ServeHTTP(out, r)
			return nil
		})
		if err != nil {
			record.Err = err
			Fail(out, err)
		}
		if out.stream != nil {
			out.stream.close()
		}
		record.Log(ctx, log, level(r.URL.Path), strconv.Itoa(out.status), ours(record.Err))
		body.drain(out, r.Header.Get("Expect") != "")
	})
}

// ours reports whether a request failed by a fault of the server.
func ours(err error) bool {
	return err != nil && toError(err).Status == http.StatusInternalServerError
}

// level is that of a request's log line: probes come every second, and a load of the
// chat page or of the console asks for many files. The console logs what operators do.
func level(path string) slog.Level {
	switch path {
	case "/healthz", "/readyz", "/metrics", "/":
		return slog.LevelDebug
	}
	if strings.HasPrefix(path, "/page/") || strings.HasPrefix(path, "/console") {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}
