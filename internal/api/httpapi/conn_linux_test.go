package httpapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
)

// seen is a server that passes on the context which net/http gave a request.
func seen(t *testing.T, ask Endpoint) (addr string, requests <-chan context.Context) {
	ch := make(chan context.Context, 1)
	h := serving(Config{}, ask)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ch <- r.Context()
		h.ServeHTTP(w, r)
	}))
	server.Config.ConnContext, server.Listener = ConnContext, Listener(server.Listener)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), ch
}

// begin sends a request.
func begin(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ask(t, conn)
	return conn.(*net.TCPConn)
}

func ask(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "POST /v1/ask HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
		t.Fatal(err)
	}
}

// TestHalfClosedClientIsServed: whole and streamed, after net/http has noticed that
// the client writes no more.
func TestHalfClosedClientIsServed(t *testing.T) {
	for _, stream := range []bool{false, true} {
		noticed := make(chan struct{})
		addr, requests := seen(t, func(c *Call) error {
			if stream {
				out, err := c.Stream(testStream)
				if err != nil {
					return err
				}
				<-noticed
				return errors.Join(c.Context.Err(), out.Send(Event{Data: "all"}), out.SendText("[DONE]"))
			}
			<-noticed
			c.Answer("all")
			return c.Context.Err()
		})
		conn := begin(t, addr)
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		<-(<-requests).Done()
		close(noticed)
		raw, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(raw), "HTTP/1.1 200 OK\r\n") || !strings.Contains(string(raw), `"all"`) || strings.Contains(string(raw), "canceled") {
			t.Errorf("stream %v: %s, %v", stream, raw, err)
		}
	}
}

// TestClosedClientEndsItsRequest, also when the server has nothing to send by which
// it would notice.
func TestClosedClientEndsItsRequest(t *testing.T) {
	if testing.Short() {
		t.Skip("a probe takes ten seconds")
	}
	ended, waiting := make(chan error, 1), make(chan struct{})
	addr, _ := seen(t, func(c *Call) error {
		close(waiting)
		<-c.Context.Done()
		ended <- c.Context.Err()
		return c.Context.Err()
	})
	conn := begin(t, addr)
	<-waiting
	conn.Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

// TestProbesAreBytesOfTheAnswer: a client that asked for no interim response gets none,
// however often it is probed, on a connection that it keeps too.
func TestProbesAreBytesOfTheAnswer(t *testing.T) {
	for probes := range 3 * len(statusLine) {
		addr, requests := seen(t, func(c *Call) error {
			for range probes {
				answerOf(c.w).probe(c.Context.Value(connKey{}).(*probed))
			}
			c.Answer("all")
			return nil
		})
		conn := begin(t, addr)
		answers := bufio.NewReader(conn)
		for range 2 {
			<-requests
			status, err := answers.ReadString('\n')
			if err != nil || status != "HTTP/1.1 200 OK\r\n" {
				t.Fatalf("%d probes: the answer begins with %q, %v", probes, status, err)
			}
			header, err := textproto.NewReader(answers).ReadMIMEHeader()
			if err != nil {
				t.Fatal(err)
			}
			n, _ := strconv.Atoi(header.Get("Content-Length"))
			body := make([]byte, n)
			if _, err := io.ReadFull(answers, body); err != nil || string(body) != "\"all\"\n" {
				t.Fatalf("%d probes: the body is %q, %v", probes, body, err)
			}
			ask(t, conn)
		}
	}
}
