package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
)

// events is a server-sent event stream that begins with its first event, so
// that an early failure can still be an ordinary answer.
type events struct {
	w     http.ResponseWriter
	begun bool
}

// eventStream is the media type of a stream.
const eventStream = "text/event-stream"

// errSent is a failure that has been sent to the client in its stream.
type errSent struct{ error }

func (e errSent) Unwrap() error { return e.error }

func (e *events) send(body any) error {
	var buf bytes.Buffer
	buf.WriteString("data: ")
	out := json.NewEncoder(&buf)
	out.SetEscapeHTML(false)
	if err := out.Encode(body); err != nil {
		return err
	}
	buf.WriteByte('\n') // Encode wrote the first
	return e.write(buf.Bytes())
}

func (e *events) write(event []byte) error {
	if !e.begun {
		e.begun = true
		h := e.w.Header()
		h.Set("Content-Type", eventStream)
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Accel-Buffering", "no") // or nginx would collect the events
		e.w.WriteHeader(http.StatusOK)
	}
	if _, err := e.w.Write(event); err != nil {
		return err
	}
	return http.NewResponseController(e.w).Flush()
}

// end closes the stream: [DONE], or an error event when it had begun.
func (e *events) end(err error) error {
	if err == nil {
		return e.write([]byte("data: [DONE]\n\n"))
	}
	if !e.begun {
		return err
	}
	// The status is sent; the client learns of the failure from the event.
	return errSent{errors.Join(err, e.send(errorBody(e.w, toAPI(err))))}
}
