package apitest

import (
	"errors"
	"net"
	"net/http"
	"testing"
)

// pipe is a listener that takes one connection, in memory and so in a bubble's own
// time.
type pipe struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error   { close(p.done); return nil }
func (p *pipe) Addr() net.Addr { return &net.TCPAddr{} }

// Dial serves a handler over one connection in memory and returns the client's end.
// In a bubble of synctest the connection is in the bubble's own time.
func Dial(t *testing.T, h http.Handler) net.Conn {
	t.Helper()
	here, there := net.Pipe()
	l := &pipe{conns: make(chan net.Conn, 1), done: make(chan struct{})}
	l.conns <- there
	server := &http.Server{Handler: h}
	served := make(chan error)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		here.Close()
		server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return here
}
