package faulty

import (
	"io"
	"net"
	"testing"
	"time"
)

// startEcho runs a TCP echo server behind a relay.
func startEcho(t *testing.T) *Relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _, _ = io.Copy(c, c) }()
		}
	}()
	r, err := NewRelay(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); l.Close(); <-done })
	return r
}

func connect(t *testing.T, r *Relay) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// pingpong sends a message and reads as much.
func pingpong(t *testing.T, c net.Conn, message string) string {
	t.Helper()
	if _, err := io.WriteString(c, message); err != nil {
		t.Fatal(err)
	}
	in := make([]byte, len(message))
	if _, err := io.ReadFull(c, in); err != nil {
		t.Fatal(err)
	}
	return string(in)
}

func TestRelayCarries(t *testing.T) {
	c := connect(t, startEcho(t))
	if got := pingpong(t, c, "hello"); got != "hello" {
		t.Errorf("got %q", got)
	}
}

func TestRelayDamagesOnce(t *testing.T) {
	r := startEcho(t)
	c := connect(t, r)
	r.Set(ToClient, Wire{Damage: 5})
	if got := pingpong(t, c, "abc"); got != "abc" {
		t.Errorf("a short chunk became %q", got)
	}
	if got := pingpong(t, c, "hello"); got != "hemlo" {
		t.Errorf("got %q, want one bit flipped", got)
	}
	if got := pingpong(t, c, "hello"); got != "hello" {
		t.Errorf("got %q after the damage", got)
	}
}

func TestRelayIsSilentOneWayAndGoesOn(t *testing.T) {
	r := startEcho(t)
	c := connect(t, r)
	r.Set(ToClient, Wire{Silent: true})
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 5)); n != 0 || err == nil {
		t.Fatalf("read %d bytes through a silent wire, %v", n, err)
	}
	r.Set(ToClient, Wire{})
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	in := make([]byte, 5)
	if _, err := io.ReadFull(c, in); err != nil || string(in) != "hello" {
		t.Errorf("read %q, %v", in, err)
	}
}

func TestRelayIsCutAndTakesNewConnections(t *testing.T) {
	r := startEcho(t)
	c := connect(t, r)
	pingpong(t, c, "hello")
	r.Cut()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a cut connection is open")
	}
	r.Set(ToServer, Wire{Delay: time.Millisecond})
	if got := pingpong(t, connect(t, r), "again"); got != "again" {
		t.Errorf("got %q", got)
	}
}
