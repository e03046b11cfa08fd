package openai

import "github.com/hachi-serve/hachi/internal/api/httpapi"

// errorBody is an error in OpenAI's shape.
type errorBody struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
	// RequestID is the one in the headers and the logs.
	RequestID string `json:"request_id"`
}

// Shape writes an error as OpenAI does.
func Shape(e *httpapi.Error, requestID string) any {
	return map[string]errorBody{"error": {e.Message, e.Type, orNull(e.Param), orNull(e.Code), requestID}}
}

// streamShape has an error as its last event, and comments as heartbeats.
var streamShape = httpapi.StreamShape{Failed: errorEvent}

// errorEvent ends a stream that failed.
func errorEvent(e *httpapi.Error, requestID string) httpapi.Event {
	return httpapi.Event{Data: Shape(e, requestID)}
}

// orNull is null for "".
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// end ends a stream that did not fail.
func end(out *httpapi.Stream, err error) error {
	if err != nil {
		return err
	}
	return out.SendText("[DONE]")
}
