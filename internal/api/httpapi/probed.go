package httpapi

import (
	"net"
	"sync"
	"syscall"
)

// tcpConn is a connection of TCP without TLS, as it is or wrapped.
type tcpConn interface {
	net.Conn
	syscall.Conn
}

// Listener accepts connections that can be probed: whether a client that writes no more
// still reads.
func Listener(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(tcpConn); ok && err == nil {
		return &probed{tcpConn: tcp}, nil
	}
	return c, err
}

// statusLine begins every answer of HTTP/1.1, whatever its status.
const statusLine = "HTTP/1.1 "

// probed is a connection that can send the beginning of an answer ahead. An interim
// response, such as 100 Continue, would be a probe too, but a client that did not ask for it
// may take it for the answer.
type probed struct {
	tcpConn
	mu    sync.Mutex
	ahead int // bytes of the next answer that were sent
}

// probe sends one byte of the status line, if there is one left.
func (c *probed) probe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ahead < len(statusLine) {
		n, _ := c.tcpConn.Write([]byte(statusLine[c.ahead : c.ahead+1])) // its failure shows in the connection's state
		c.ahead += n
	}
}

// Write implements net.Conn. It leaves out what was sent ahead.
func (c *probed) Write(p []byte) (int, error) {
	c.mu.Lock()
	sent := min(c.ahead, len(p))
	c.ahead -= sent
	c.mu.Unlock()
	n, err := c.tcpConn.Write(p[sent:])
	return sent + n, err
}

// CloseWrite lets net/http wait for the client to read the last answer.
func (c *probed) CloseWrite() error {
	if tcp, ok := c.tcpConn.(interface{ CloseWrite() error }); ok {
		return tcp.CloseWrite()
	}
	return nil
}
