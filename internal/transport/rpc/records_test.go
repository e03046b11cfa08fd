package rpc

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/internal/identity"
)

// countedConn counts the writes of a connection.
type countedConn struct {
	net.Conn
	writes atomic.Int64
}

func (c *countedConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// securePair is both ends of a connection after its handshake, and the socket
// below the first end.
func securePair(t *testing.T) (router, node net.Conn, socket *countedConn) {
	t.Helper()
	near, far := net.Pipe()
	socket = &countedConn{Conn: near}
	authority, err := identity.NewAuthority("c", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	routers := certificate(t, authority, identity.Router, "r").ClientTLS(identity.Expert, "n")
	nodes := certificate(t, authority, identity.Expert, "n").ServerTLS()
	type shaken struct {
		conn net.Conn
		err  error
	}
	served := make(chan shaken, 1)
	go func() {
		conn, _, err := NewTLS(nodes).ServerHandshake(far)
		served <- shaken{conn, err}
	}()
	router, _, err = NewTLS(routers).Clone().ClientHandshake(t.Context(), "node", socket)
	other := <-served
	if err := errors.Join(err, other.err); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return router, other.conn, socket
}

func TestOneWriteCarriesManyRecords(t *testing.T) {
	router, node, socket := securePair(t)
	before := socket.writes.Load()
	sent := bytes.Repeat([]byte("rows "), 40_000) // 13 records
	wrote := make(chan error, 1)
	go func() {
		_, err := router.Write(sent)
		wrote <- err
	}()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(node, got); err != nil {
		t.Fatal(err)
	}
	if err := <-wrote; err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("%v; equal: %v", err, bytes.Equal(got, sent))
	}
	if n := socket.writes.Load() - before; n != 1 {
		t.Errorf("%d writes to the socket, want 1", n)
	}
}

func TestCloseDoesNotWaitForAPeerThatReadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		router, _, _ := securePair(t)
		wrote := make(chan error, 1)
		go func() {
			_, err := router.Write(make([]byte, 100_000))
			wrote <- err
		}()
		synctest.Wait() // the write waits for the peer
		began := time.Now()
		if err := router.Close(); err != nil {
			t.Error(err)
		}
		if err := <-wrote; err == nil {
			t.Error("a write to a closed connection succeeded")
		}
		if waited := time.Since(began); waited > 0 {
			t.Errorf("closed after %v", waited)
		}
		if _, err := router.Write([]byte("more")); err == nil {
			t.Error("records were written behind a gap")
		}
	})
}
