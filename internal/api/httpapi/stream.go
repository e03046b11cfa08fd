package httpapi

import (
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

// EventShape returns the last event of a stream that failed.
type EventShape func(e *Error, requestID string) Event

// Stream is an answer of server-sent events. Its header and a comment are sent
// when it begins, and a comment whenever it was silent for a heartbeat.
type Stream struct {
	w     http.ResponseWriter
	every time.Duration
	shape EventShape
	// turn holds one value while a goroutine writes. A mutex would stop the clock
	// of testing/synctest while a client does not read.
	turn   chan struct{}
	beat   *time.Timer // after every write
	closed bool        // no byte may follow
}

// newStream begins a stream. It must be closed.
func newStream(a *answer, every time.Duration, shape EventShape) (*Stream, error) {
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
	data, err := encode(e.Data)
	if err != nil {
		return err
	}
	var name []byte
	if e.Name != "" {
		name = []byte("event: " + e.Name + "\n")
	}
	return s.write(slices.Concat(name, []byte("data: "), data, []byte("\n")))
}

// SendText writes an event of one line that is no JSON.
func (s *Stream) SendText(line string) error { return s.write([]byte("data: " + line + "\n\n")) }

// write sends bytes at once.
func (s *Stream) write(event []byte) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	return s.flush(event)
}

// flush sends bytes at once. The caller has the turn.
func (s *Stream) flush(event []byte) error {
	if _, err := s.w.Write(event); err != nil {
		return err
	}
	err := http.NewResponseController(s.w).Flush()
	s.beat.Reset(s.every)
	return err
}

// heartbeat writes a comment, unless another goroutine is writing, or the stream
// has ended.
func (s *Stream) heartbeat() {
	select {
	case s.turn <- struct{}{}:
	default:
		return
	}
	defer func() { <-s.turn }()
	if !s.closed {
		_ = s.flush(comment) // a client that has gone ends the request
	}
}

// fail ends the stream with an error event.
func (s *Stream) fail(e *Error) {
	_ = s.Send(s.shape(e, s.w.Header().Get(IDHeader))) // the client may have gone
}

// close stops the heartbeats, and waits for one that is being written.
func (s *Stream) close() {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.closed = true
	s.beat.Stop()
}
