package anthropic

import (
	"net/http"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

// errorBody is an error in Anthropic's shape.
type errorBody struct {
	Type  string `json:"type"`
	Error struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"error"`
	// RequestID is the one in the headers and the logs.
	RequestID string `json:"request_id"`
}

// types of errors by status; another one of 400 and more is an
// invalid_request_error.
var types = map[int]string{
	http.StatusUnauthorized:          "authentication_error",
	http.StatusForbidden:             "permission_error",
	http.StatusNotFound:              "not_found_error",
	http.StatusRequestEntityTooLarge: "request_too_large",
	http.StatusTooManyRequests:       "rate_limit_error",
	http.StatusInternalServerError:   "api_error",
	http.StatusServiceUnavailable:    "overloaded_error",
	http.StatusGatewayTimeout:        "timeout_error",
}

// shape writes an error as Anthropic does.
func shape(e *httpapi.Error, requestID string) any {
	out := errorBody{Type: "error", RequestID: requestID}
	out.Error.Message = e.Message
	out.Error.Type = "invalid_request_error"
	if kind, ok := types[e.Status]; ok {
		out.Error.Type = kind
	}
	return out
}

// errorEvent ends a stream that failed.
func errorEvent(e *httpapi.Error, requestID string) httpapi.Event {
	return httpapi.Event{Name: "error", Data: shape(e, requestID)}
}
