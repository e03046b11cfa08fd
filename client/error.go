package client

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxErrorBody bounds how much of an error answer is read.
const maxErrorBody = 64 << 10

// requestID is the header that names a request in answers and logs.
const requestID = "X-Request-Id"

// Error is a request that the server refused, or could not finish.
type Error struct {
	// Status is the HTTP status; 0 when the error ended a stream that had begun.
	Status  int
	Message string
	Type    string // invalid_request_error, rate_limit_error, server_error, timeout_error
	Code    string // names one fault of the type; often empty
	Param   string // path of the parameter at fault; empty when there is none
	// RequestID finds the request in the router's log.
	RequestID string
	// RetryAfter is how long the server asks callers to wait; 0 when it does
	// not say.
	RetryAfter time.Duration
}

// Error names the status, the message and the request.
func (e *Error) Error() string {
	var out strings.Builder
	if e.Status != 0 {
		fmt.Fprintf(&out, "status %d: ", e.Status)
	}
	out.WriteString(cmp.Or(e.Message, http.StatusText(e.Status)))
	if e.RequestID != "" {
		fmt.Fprintf(&out, " (request %s)", e.RequestID)
	}
	return out.String()
}

// wireError is the error object of an answer or of an event.
type wireError struct {
	Message string `json:"message"`
	Type    string `json:"type"`
	Code    string `json:"code"`
	Param   string `json:"param"`
}

func (w wireError) error(status int, id string) *Error {
	return &Error{Status: status, Message: w.Message, Type: w.Type, Code: w.Code, Param: w.Param, RequestID: id}
}

// refusal is the error of an answer other than 200. A body that is no error
// object, as a proxy sends, becomes the message.
func refusal(resp *http.Response, raw []byte) error {
	var body struct {
		Error wireError `json:"error"`
	}
	if json.Unmarshal(raw, &body) != nil || body.Error.Message == "" {
		body.Error = wireError{Message: strings.TrimSpace(string(raw))}
	}
	e := body.Error.error(resp.StatusCode, resp.Header.Get(requestID))
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	return e
}
