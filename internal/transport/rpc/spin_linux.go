package rpc

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/poll"
)

// Spin lets the connections of a listener poll for up to limit before they park; 0
// leaves the listener as it is. It is for a process with cores of its own: on a
// shared core, polling takes time from the process that would answer.
func Spin(l net.Listener, limit time.Duration) net.Listener {
	if limit == 0 {
		return l
	}
	return &spinListener{l, limit}
}

// spinListener makes a spinConn of every connection it accepts.
type spinListener struct {
	net.Listener
	limit time.Duration
}

func (l *spinListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newSpinConn(c, l.limit)
}

// spinDialer dials connections that poll for up to limit.
func spinDialer(limit time.Duration) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, addr string) (net.Conn, error) {
		network := "tcp"
		if path, ok := strings.CutPrefix(addr, "unix:"); ok {
			network, addr = "unix", path
		}
		var d net.Dialer
		c, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return newSpinConn(c, limit)
	}
}

// spinConn is a connection whose reads poll before they park. gRPC has one
// goroutine read from a connection, and Read is for one at a time. Writes and
// deadlines are those of the connection inside.
type spinConn struct {
	net.Conn
	raw      syscall.RawConn
	limit    time.Duration
	patience poll.Patience // whether the next read polls; only the reader uses it

	// Of the read in progress; here so that a read makes no garbage.
	into []byte
	n    int
	err  error
	poll func(fd uintptr) bool // c.once, made once
}

func newSpinConn(c net.Conn, limit time.Duration) (net.Conn, error) {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err == nil {
		err = giveUpAfter(raw, c, pingWithin)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	s := &spinConn{Conn: c, raw: raw, limit: limit}
	s.poll = s.once
	return s, nil
}

// giveUpAfter sets TCP_USER_TIMEOUT, as gRPC does, but only for a *net.TCPConn,
// which neither a spinConn nor a counted connection is: bytes that stay unacknowledged for that long end the
// connection.
func giveUpAfter(raw syscall.RawConn, c net.Conn, after time.Duration) error {
	if _, ok := c.LocalAddr().(*net.TCPAddr); !ok {
		return nil
	}
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(after.Milliseconds()))
	})
	if err == nil {
		err = failed
	}
	return err
}

// Read implements net.Conn.
func (c *spinConn) Read(b []byte) (int, error) {
	c.into = b
	err := c.raw.Read(c.poll)
	c.into = nil
	switch {
	case err != nil:
		return 0, err
	case c.err != nil:
		return 0, &net.OpError{Op: "read", Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: c.err}
	case c.n == 0 && len(b) > 0:
		return 0, io.EOF
	}
	return c.n, nil
}

// once reads available bytes, polling up to the limit if there are none; false when
// none came, so that the runtime parks the goroutine and calls once again when the
// socket is readable. One call of once polls for at most limit.
func (c *spinConn) once(fd uintptr) bool {
	if c.receive(fd) {
		return true
	}
	if !c.patience.Try() {
		return false
	}
	for began := time.Now(); ; {
		runtime.Gosched() // the answer may depend on another goroutine of this process
		got := c.receive(fd)
		late := time.Since(began) > c.limit
		if got || late {
			c.patience.Learn(!late)
			return got
		}
	}
}

// receive reads without waiting; false when there is nothing.
func (c *spinConn) receive(fd uintptr) bool {
	for {
		c.n, c.err = syscall.Read(int(fd), c.into)
		if c.err != syscall.EINTR {
			return c.err != syscall.EAGAIN
		}
	}
}
