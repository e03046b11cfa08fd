package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// DefaultHeartbeat is the time between the comments of a stream that has nothing
// else to send. Proxies close connections that are silent for a minute or less.
const DefaultHeartbeat = 15 * time.Second

// Event is a server-sent event.
type Event struct {
	Name string // "" is none
	Data any    // becomes JSON
}

// StreamShape is how an API writes a stream.
type StreamShape struct {
	// Failed returns the last event of a stream that failed.
	Failed func(e *Error, requestID string) Event
	// Heartbeat is sent while there is nothing else to send; one without data is a
	// comment.
	Heartbeat Event
}

// Stream is an answer of server-sent events. Its header and a comment are sent
// when it begins, and a heartbeat whenever it was silent for the time of one.
type Stream struct {
	w     http.ResponseWriter
	every time.Duration
	shape StreamShape
	// turn holds one value while a goroutine writes. A mutex would stop the clock
	// of testing/synctest while a client does not read.
	turn   chan struct{}
	beat   *time.Timer // after every write
	closed bool        // no byte may follow
}

// newStream begins a stream. It must be closed.
func newStream(a *answer, every time.Duration, shape StreamShape) (*Stream, error) {
	h := a.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // or nginx would collect the events
	s := &Stream{w: a, every: every, shape: shape, turn: make(chan struct{}, 1)}
	a.stream = s
	a.WriteHeader(http.StatusOK)
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.beat = time.AfterFunc(every, s.heartbeat)
	return s, s.flush(comment)
}

// comment is a line that clients skip.
var comment = []byte(": waiting\n\n")

// Send writes an event.
func (s *Stream) Send(e Event) error {
	raw, err := e.bytes()
	if err != nil {
		return err
	}
	return s.write(raw)
}

// bytes are an event as it is sent.
func (e Event) bytes() ([]byte, error) {
	data, err := encode(e.Data)
	var name []byte
	if e.Name != "" {
		name = []byte("event: " + e.Name + "\n")
	}
	return slices.Concat(name, []byte("data: "), data, []byte("\n")), err
}

// SendText writes an event of one line that is no JSON.
func (s *Stream) SendText(line string) error { return s.write([]byte("data: " + line + "\n\n")) }

// write sends bytes at once.
func (s *Stream) write(event []byte) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	return s.flush(event)
}

// flush sends bytes at once. The caller has the turn. What cannot be sent has no receiver:
// that is no fault of this process.
func (s *Stream) flush(event []byte) error {
	if _, err := s.w.Write(event); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	err := http.NewResponseController(s.w).Flush()
	s.beat.Reset(s.every)
	if err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}

// errGone means that the client of a stream has gone.
var errGone = fmt.Errorf("the client has gone: %w", context.Canceled)

// heartbeat writes the heartbeat of the API, unless another goroutine is writing, or the stream
// has ended.
func (s *Stream) heartbeat() {
	select {
	case s.turn <- struct{}{}:
	default:
		return
	}
	defer func() { <-s.turn }()
	beat := comment
	if s.shape.Heartbeat.Data != nil {
		beat, _ = s.shape.Heartbeat.bytes() // a constant, which is JSON
	}
	if !s.closed {
		_ = s.flush(beat) // a client that has gone ends the request
	}
}

// fail ends the stream with an error event.
func (s *Stream) fail(e *Error) {
	_ = s.Send(s.shape.Failed(e, s.w.Header().Get(IDHeader))) // the client may have gone
}

// close stops the heartbeats, and waits for one that is being written.
func (s *Stream) close() {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.closed = true
	s.beat.Stop()
}
