package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/failure"
)

// Codes of errors, in OpenAI's words where OpenAI has one.
const (
	CodeType        = "invalid_type"
	CodeValue       = completion.CodeValue
	CodeMissing     = "missing_required_parameter"
	CodeUnsupported = completion.CodeUnsupported
	CodeContext     = failure.CodeContext
	CodeModel       = "model_not_found"
	CodeURL         = "unknown_url"
	CodeMethod      = "method_not_supported"
	CodeTooLarge    = "request_too_large"
	CodeTimeout     = "request_timeout"
	CodeMediaType   = "unsupported_media_type"
	CodeRate        = failure.CodeRate
)

// Error is a failure as clients see it; an API writes it in its Shape.
type Error struct {
	Status  int    // of HTTP
	Type    string // OpenAI's, from package failure
	Param   string // the path of the parameter at fault; "" is none
	Code    string // "" is none
	Message string
}

func (e *Error) Error() string { return e.Message }

// Invalid is a 400 about a parameter; param and code may be empty.
func Invalid(param, code, message string) *Error {
	return &Error{http.StatusBadRequest, failure.TypeInvalid, param, code, message}
}

// refusal is another fault of the client than a parameter's.
func refusal(status int, code, message string) *Error {
	return &Error{status, failure.TypeInvalid, "", code, message}
}

// About names the parameter that a fault of a request is in; other errors stay as
// they are.
func About(param string, err error) error {
	if err == nil {
		return nil
	}
	c := failure.Classify(err)
	if c.Status != http.StatusBadRequest {
		return err
	}
	return Invalid(param, c.Code, param+": "+c.Message)
}

// toError is any failure as clients see it.
func toError(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	c := failure.Classify(err)
	c.Message = failure.Cut(c.Message)
	if c.Type == failure.TypeRate {
		c.Message += ": try again later"
	}
	return &Error{c.Status, c.Type, c.Param, c.Code, c.Message}
}

// Shape returns the JSON of an API's error answer. The id is the request's, as in
// the headers and the logs.
type Shape func(e *Error, requestID string) any

// Fail writes an error answer in the shape of the request's API. In a stream that
// has begun the error is its last event. An answer cut short by a panic cannot be
// mended: its connection is closed.
func Fail(w http.ResponseWriter, err error) {
	a := answerOf(w)
	switch e := toError(err); {
	case a.stream != nil:
		a.stream.fail(e)
	case a.status != 0:
		panic(http.ErrAbortHandler)
	default:
		suggestRetry(w.Header(), e.Status)
		WriteJSON(w, e.Status, a.shape(e, w.Header().Get(IDHeader)))
	}
}

// suggestRetry says whether and when a request may come again.
func suggestRetry(h http.Header, status int) {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if h.Get("Retry-After") == "" {
			h.Set("Retry-After", "1")
		}
	case http.StatusGatewayTimeout:
		// OpenAI's clients would ask again, and wait for as long again.
		h.Set("X-Should-Retry", "false")
	}
}

// WriteJSON sends a whole answer.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	raw, err := encode(body)
	if err != nil {
		Fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	// A client that has gone reads no error.
	_, _ = w.Write(raw)
}

// encode returns a value as JSON and a newline.
func encode(body any) ([]byte, error) {
	var buf bytes.Buffer
	out := json.NewEncoder(&buf)
	out.SetEscapeHTML(false)
	err := out.Encode(body)
	return buf.Bytes(), err
}
