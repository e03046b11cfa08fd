package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/failure"
)

// Codes of errors, as clients see them.
const (
	codeType        = "invalid_type"
	codeValue       = completion.CodeValue
	codeMissing     = "missing_required_parameter"
	codeUnsupported = completion.CodeUnsupported
	codeContext     = failure.CodeContext
	codeModel       = "model_not_found"
	codeURL         = "unknown_url"
	codeMethod      = "method_not_supported"
	codeTooLarge    = "request_too_large"
	codeTimeout     = "request_timeout"
	codeMediaType   = "unsupported_media_type"
	codeRate        = failure.CodeRate
)

const typeInvalid = failure.TypeInvalid

// apiError is a failure as clients see it.
type apiError struct {
	status  int
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
	// RequestID is the one in the headers and the logs.
	RequestID string `json:"request_id"`
}

func (e *apiError) Error() string { return e.Message }

// newError makes an error; param and code may be empty.
func newError(status int, kind, param, code, message string) *apiError {
	e := &apiError{status: status, Message: message, Type: kind}
	if param != "" {
		e.Param = &param
	}
	if code != "" {
		e.Code = &code
	}
	return e
}

// invalid is a 400 about a parameter; param may be empty.
func invalid(param, code, message string) *apiError {
	return newError(http.StatusBadRequest, typeInvalid, param, code, message)
}

// about names the parameter that a fault of a request is in; other errors stay as
// they are.
func about(param string, err error) error {
	if err == nil {
		return nil
	}
	c := failure.Classify(err)
	if c.Status != http.StatusBadRequest {
		return err
	}
	return invalid(param, c.Code, param+": "+c.Message)
}

// toAPI is any failure as clients see it.
func toAPI(err error) *apiError {
	var api *apiError
	if errors.As(err, &api) {
		return api
	}
	c := failure.Classify(err)
	if c.Type == failure.TypeRate {
		c.Message += ": try again later"
	}
	return newError(c.Status, c.Type, c.Param, c.Code, c.Message)
}

// fail writes an error answer. Within a stream that has begun it is an event; an
// answer cut short by a panic cannot be mended, and its connection is closed.
func fail(w http.ResponseWriter, err error) {
	if a, ok := w.(*answer); ok && a.status != 0 {
		if w.Header().Get("Content-Type") != eventStream {
			panic(http.ErrAbortHandler)
		}
		_ = (&events{w: w, begun: true}).end(err) // the client may have gone
		return
	}
	e := toAPI(err)
	switch e.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", "1")
		}
	case http.StatusGatewayTimeout:
		// OpenAI's clients would ask again, and wait for as long again.
		w.Header().Set("X-Should-Retry", "false")
	}
	write(w, e.status, errorBody(w, e))
}

// errorBody is an error as JSON, with the id of its request.
func errorBody(w http.ResponseWriter, e *apiError) any {
	named := *e
	named.RequestID = w.Header().Get(idHeader)
	return map[string]any{"error": &named}
}

// write sends a whole answer.
func write(w http.ResponseWriter, status int, body any) {
	var buf bytes.Buffer
	out := json.NewEncoder(&buf)
	out.SetEscapeHTML(false)
	if err := out.Encode(body); err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that has gone reads no error.
	_, _ = w.Write(buf.Bytes())
}
