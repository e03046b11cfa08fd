package sidecar

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/hachi-serve/hachi/internal/backend/sidecar/protocol"
)

// errEnded is the error of questions to a helper that has closed its socket.
var errEnded = errors.New("the helper has closed its socket")

// errExited is the error of questions to a helper whose process has ended, while a child
// of it holds the socket.
var errExited = errors.New("the process of the helper has ended")

// refusal is the reason of a helper that could not obey a frame.
type refusal struct{ reason string }

func (r *refusal) Error() string { return "the helper: " + r.reason }

// link is the connection to a helper. It joins answers to questions.
type link struct {
	conn *net.UnixConn
	in   *bufio.Reader
	gone chan struct{} // closed when the connection has failed

	sending sync.Mutex // one frame at a time

	mu      sync.Mutex // guards the fields below
	next    uint64
	waiting map[uint64]chan error // by ID of the question
	err     error                 // why the connection has failed
}

func newLink(conn *net.UnixConn) *link {
	return &link{conn: conn, in: bufio.NewReader(conn), gone: make(chan struct{}), waiting: map[uint64]chan error{}}
}

// greeted waits for the Hello of the helper.
func (l *link) greeted(within time.Duration) (protocol.Hello, error) {
	late := time.AfterFunc(within, func() { _ = l.conn.SetReadDeadline(time.Now()) })
	defer late.Stop()
	f, err := protocol.Read(l.in)
	switch {
	case err == io.EOF:
		return protocol.Hello{}, errEnded
	case err != nil:
		return protocol.Hello{}, err
	case f.Kind == protocol.KindFailed:
		failed, err := protocol.ParseFailed(f.Body)
		return protocol.Hello{}, errors.Join(err, &refusal{failed.Reason})
	case f.Kind != protocol.KindHello:
		return protocol.Hello{}, fmt.Errorf("the helper began with %v, expected hello", f.Kind)
	}
	return protocol.ParseHello(f.Body)
}

// read hears answers until the connection fails.
func (l *link) read() {
	for {
		f, err := protocol.Read(l.in)
		if err == nil {
			err = l.answer(f)
		}
		switch {
		case err == io.EOF:
			err = errEnded
		case errors.Is(err, os.ErrDeadlineExceeded):
			err = errExited
		}
		if err != nil {
			l.fail(err)
			return
		}
	}
}

// answer gives an answer to who waits for it.
func (l *link) answer(f protocol.Frame) error {
	var answer error
	switch f.Kind {
	case protocol.KindDone:
		if len(f.Body) > 0 {
			return fmt.Errorf("body of done: %d bytes, expected none", len(f.Body))
		}
	case protocol.KindFailed:
		failed, err := protocol.ParseFailed(f.Body)
		if err != nil {
			return err
		}
		answer = &refusal{failed.Reason}
	default:
		return fmt.Errorf("the helper sent %v, expected done or failed", f.Kind)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	to, ok := l.waiting[f.ID]
	if !ok {
		return fmt.Errorf("the helper answered frame %d, which waits for no answer", f.ID)
	}
	delete(l.waiting, f.ID)
	to <- answer
	return nil
}

// fail ends the connection. The first error stays.
func (l *link) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = err
	close(l.gone)
	l.conn.Close()
}

// endWith ends the connection when ctx ends, until detach is called.
func (l *link) endWith(ctx context.Context) (detach func() bool) {
	return context.AfterFunc(ctx, func() { l.fail(context.Cause(ctx)) })
}

// failure is why the connection has failed; nil while it works.
func (l *link) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// ask sends a frame, with a file unless that is nil. Its answer comes on the channel,
// or the link goes.
func (l *link) ask(kind protocol.Kind, body []byte, file *os.File, within time.Duration) (<-chan error, error) {
	answer := make(chan error, 1)
	l.mu.Lock()
	l.next++
	id := l.next
	l.waiting[id] = answer
	l.mu.Unlock()
	if err := l.send(protocol.Frame{Kind: kind, ID: id, Body: body}, file, within); err != nil {
		l.fail(fmt.Errorf("send %v: %w", kind, err))
		return nil, l.failure()
	}
	return answer, nil
}

func (l *link) send(f protocol.Frame, file *os.File, within time.Duration) error {
	var rights []byte
	if file != nil {
		rights = syscall.UnixRights(int(file.Fd()))
	}
	raw := f.Append(nil)
	l.sending.Lock()
	defer l.sending.Unlock()
	if err := l.conn.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	n, _, err := l.conn.WriteMsgUnix(raw, rights, nil)
	if err == nil && n < len(raw) {
		_, err = l.conn.Write(raw[n:])
	}
	return err
}

// wait is the answer to a question. A helper that does not answer within a time is
// given up.
func (l *link) wait(what protocol.Kind, answer <-chan error, within time.Duration) error {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case err := <-answer:
		return err
	case <-l.gone:
	case <-timer.C:
		l.fail(fmt.Errorf("the helper did not answer %v within %v", what, within))
	}
	select {
	case err := <-answer: // it came before the end
		return err
	default:
		return l.failure()
	}
}

// call asks and waits.
func (l *link) call(kind protocol.Kind, body []byte, file *os.File, within time.Duration) error {
	answer, err := l.ask(kind, body, file, within)
	if err != nil {
		return err
	}
	return l.wait(kind, answer, within)
}
