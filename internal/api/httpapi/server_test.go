package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/api/completion"
)

// testShape is an API's shape of errors.
func testShape(e *Error, id string) any {
	return map[string]string{"message": e.Message, "param": e.Param, "code": e.Code, "id": id}
}

var testStream = StreamShape{Failed: func(e *Error, id string) Event { return Event{"error", testShape(e, id)} }}

// serving is an API with one endpoint that answers POST /v1/ask.
func serving(c Config, ask Endpoint) http.Handler {
	if c.Deadline == 0 {
		c.Deadline = time.Minute
	}
	return Handler(c, API{Shape: testShape, Routes: map[string]Methods{
		"/v1/ask":    {http.MethodPost: c.Post(ask)},
		"/v1/model/": {http.MethodGet: healthz},
	}}, API{Routes: Probes(func() bool { return false })})
}

// config serves with a deadline.
func config(deadline time.Duration) Config {
	return Config{Service: completion.Service{Deadline: deadline}}
}

// do serves a request with headers, given as name and value.
func do(h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// answering answers {}.
func answering(c *Call) error {
	if c.Body.Err() == nil {
		c.Answer(struct{}{})
	}
	return c.Body.Err()
}
