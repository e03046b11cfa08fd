//go:build linux

package rpc

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// spinPair is two ends of a connection; the first polls for up to limit.
func spinPair(t *testing.T, limit time.Duration) (polling, plain net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = Spin(l, limit)
	defer l.Close()
	if plain, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plain.Close() })
	if polling, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { polling.Close() })
	return polling, plain
}

func TestPollingConnectionIsAConnection(t *testing.T) {
	for _, limit := range []time.Duration{time.Nanosecond, time.Millisecond, time.Minute} {
		polling, plain := spinPair(t, limit)
		sent := make([]byte, 1<<20)
		for i := range sent {
			sent[i] = byte(i * i >> 8)
		}
		var writing sync.WaitGroup
		writing.Go(func() {
			for rest := sent; len(rest) > 0; {
				n := min(len(rest), 50_000)
				if _, err := plain.Write(rest[:n]); err != nil {
					t.Error(err)
				}
				rest = rest[n:]
			}
			plain.Close()
		})
		got, err := io.ReadAll(polling)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("limit %v: %d bytes, %v", limit, len(got), err)
		}
		writing.Wait()
	}
}

func TestPollingReadEnds(t *testing.T) {
	one := make([]byte, 1)
	t.Run("at its deadline", func(t *testing.T) {
		polling, _ := spinPair(t, time.Microsecond)
		if err := polling.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := polling.Read(one); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
	t.Run("when it is closed", func(t *testing.T) {
		for _, limit := range []time.Duration{time.Microsecond, 20 * time.Millisecond} {
			polling, _ := spinPair(t, limit)
			time.AfterFunc(5*time.Millisecond, func() { polling.Close() })
			if _, err := polling.Read(one); !errors.Is(err, net.ErrClosed) {
				t.Errorf("limit %v: %v", limit, err)
			}
		}
	})
	t.Run("when it is reset", func(t *testing.T) {
		polling, plain := spinPair(t, time.Minute)
		if err := plain.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(5*time.Millisecond, func() { plain.Close() })
		var failed *net.OpError
		if _, err := polling.Read(one); !errors.As(err, &failed) || !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("%v", err)
		}
	})
}

// gRPC does this to a net.TCPConn, and finds none.
func TestPollingConnectionGivesUp(t *testing.T) {
	polling, _ := spinPair(t, time.Microsecond)
	var after int
	err := polling.(*spinConn).raw.Control(func(fd uintptr) {
		after, _ = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
	})
	if err != nil || time.Duration(after)*time.Millisecond != pingWithin {
		t.Errorf("gives up after %d ms, %v, want %v", after, err, pingWithin)
	}
}

func TestNoLimitPollsNothing(t *testing.T) {
	polling, _ := spinPair(t, 0)
	if _, ok := polling.(*net.TCPConn); !ok {
		t.Errorf("a connection of type %T", polling)
	}
}
