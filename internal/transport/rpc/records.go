package rpc

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"sync"

	"google.golang.org/grpc/credentials"
)

// NewTLS is TLS for connections that carry rows. crypto/tls reads and writes each
// record of 16 KiB by a system call of its own; a connection of these credentials
// reads and writes many records by one.
//
//	gRPC ─▶ recordConn ─▶ tls.Conn ─ record, record, ... ─▶ gathered ─ one write ─▶ socket
//	gRPC ◀─ recordConn ◀─ tls.Conn ◀─ record, record, ... ─ gathered ◀─ one read ── socket
func NewTLS(c *tls.Config) credentials.TransportCredentials {
	return recordCredentials{credentials.NewTLS(c)}
}

type recordCredentials struct {
	credentials.TransportCredentials
}

// ClientHandshake implements credentials.TransportCredentials.
func (c recordCredentials) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	below := gather(raw)
	secure, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, below)
	if err != nil {
		return nil, nil, err
	}
	return &recordConn{secure, below}, info, nil
}

// ServerHandshake implements credentials.TransportCredentials.
func (c recordCredentials) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	below := gather(raw)
	secure, info, err := c.TransportCredentials.ServerHandshake(below)
	if err != nil {
		return nil, nil, err
	}
	return &recordConn{secure, below}, info, nil
}

// Clone implements credentials.TransportCredentials.
func (c recordCredentials) Clone() credentials.TransportCredentials {
	return recordCredentials{c.TransportCredentials.Clone()}
}

// recordConn is a connection of TLS whose records are gathered below it.
type recordConn struct {
	net.Conn // of crypto/tls
	below    *gathered
}

// Write implements net.Conn. gRPC writes from one goroutine.
func (c *recordConn) Write(b []byte) (int, error) {
	c.below.hold()
	n, err := c.Conn.Write(b)
	if failed := c.below.release(); err == nil {
		err = failed
	}
	return n, err
}

// Close implements net.Conn. TLS says goodbye before it closes the socket, which
// would wait for a write that the peer does not read.
func (c *recordConn) Close() error {
	if c.below.isWriting() {
		return c.below.Conn.Close()
	}
	return c.Conn.Close()
}

// gathered is a socket that reads ahead, and that keeps what is written while it is
// held until it is released. Records reach the socket in the order of their writes.
type gathered struct {
	net.Conn
	in *bufio.Reader // only the reader uses it

	mu     sync.Mutex
	isHeld bool
	held   []byte
	err    error // of a release: the records of later writes would follow a gap
}

func gather(raw net.Conn) *gathered {
	return &gathered{Conn: raw, in: bufio.NewReaderSize(raw, bufferSize)}
}

// Read implements net.Conn.
func (g *gathered) Read(b []byte) (int, error) { return g.in.Read(b) }

// Write implements net.Conn.
func (g *gathered) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.err != nil:
		return 0, g.err
	case g.isHeld:
		g.held = append(g.held, b...)
		return len(b), nil
	}
	return g.Conn.Write(b)
}

// hold keeps what is written from now on.
func (g *gathered) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isHeld = true
}

// release writes what was kept.
func (g *gathered) release() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil && len(g.held) > 0 {
		_, g.err = g.Conn.Write(g.held)
	}
	g.isHeld, g.held = false, g.held[:0]
	return g.err
}

// isWriting says whether a write to the socket is in progress, which may wait for
// the peer.
func (g *gathered) isWriting() bool {
	if !g.mu.TryLock() {
		return true
	}
	g.mu.Unlock()
	return false
}
