package httpapi_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/internal/api/admission"
	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

// refusing are requests that are answered before their bodies were read, by their status.
var refusing = map[string]struct {
	status  int
	request string // without the length and the end of the header
}{
	"a length above the limit":   {413, "POST /v1/ask HTTP/1.1\r\n"},
	"chunks above the limit":     {413, "POST /v1/ask HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"},
	"an unknown URL":             {404, "POST /v1/asks HTTP/1.1\r\n"},
	"another method":             {405, "PUT /v1/ask HTTP/1.1\r\n"},
	"another type":               {415, "POST /v1/ask HTTP/1.1\r\nContent-Type: text/plain\r\n"},
	"another encoding":           {415, "POST /v1/ask HTTP/1.1\r\nContent-Encoding: gzip\r\n"},
	"an answer to GET with body": {200, "GET /v1/ask HTTP/1.1\r\n"},
}

// drainedConfig has what the endpoint needs.
func drainedConfig() httpapi.Config {
	return httpapi.Config{Service: completion.Service{Deadline: time.Minute}}
}

// asking serves an endpoint at /v1/ask, over connections.
func asking(c httpapi.Config) http.Handler {
	methods := httpapi.Methods{http.MethodPost: c.Post(func(c *httpapi.Call) error { c.Answer("all"); return nil }), http.MethodGet: func(w http.ResponseWriter, _ *http.Request) { httpapi.WriteJSON(w, 200, "all") }}
	return httpapi.Handler(c, httpapi.API{Shape: func(e *httpapi.Error, _ string) any { return map[string]any{"error": e.Message} }, Routes: map[string]httpapi.Methods{"/v1/ask": methods}})
}

// TestAClientThatWritesAllFirstReadsWhyItWasRefused, and asks again on the same connection
// where the whole body could be read.
func TestAClientThatWritesAllFirstReadsWhyItWasRefused(t *testing.T) {
	server := httptest.NewUnstartedServer(asking(drainedConfig()))
	server.Config.ConnContext, server.Listener = httpapi.ConnContext, httpapi.Listener(server.Listener)
	server.Start()
	defer server.Close()
	body := bytes.Repeat([]byte("x"), 3*httpapi.MaxBody)
	for name, tt := range refusing {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		chunked := strings.Contains(tt.request, "chunked")
		if chunked {
			fmt.Fprintf(conn, "%sHost: x\r\n\r\n%x\r\n", tt.request, len(body))
		} else {
			fmt.Fprintf(conn, "%sHost: x\r\nContent-Length: %d\r\n\r\n", tt.request, len(body))
		}
		if _, err := conn.Write(body); err != nil {
			t.Errorf("%s: the request could not be written: %v", name, err)
		}
		if chunked {
			fmt.Fprint(conn, "\r\n0\r\n\r\n")
		}
		answers := bufio.NewReader(conn)
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != tt.status || len(text) == 0 || answer.ContentLength != int64(len(text)) {
			t.Errorf("%s: %d %q of %d bytes, %v", name, answer.StatusCode, text, answer.ContentLength, err)
		}
		if !answer.Close {
			fmt.Fprint(conn, "POST /v1/ask HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
			if answer, err := http.ReadResponse(answers, nil); err != nil || answer.StatusCode != 200 {
				t.Errorf("%s, then another request: %v", name, err)
			}
		}
		conn.Close()
	}
}

// TestABusyRefusalLeavesNothingHeld: while the rest of a refused body is read, its place
// is free.
func TestABusyRefusalLeavesNothingHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := drainedConfig()
		c.Budget = admission.New(0, 1)
		conn := apitest.Dial(t, asking(c))
		go fmt.Fprint(conn, "POST /v1/ask HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode != 429 {
			t.Fatalf("%v, %v", answer, err)
		}
	})
}

// TestAClientThatStopsWritingIsLeft when its answer was sent: after a while the server
// closes the connection.
func TestAClientThatStopsWritingIsLeft(t *testing.T) {
	for name, tt := range refusing {
		synctest.Test(t, func(t *testing.T) {
			conn := apitest.Dial(t, asking(drainedConfig()))
			began := time.Now()
			length := fmt.Sprintf("Content-Length: %d", 2*httpapi.MaxBody)
			if strings.Contains(tt.request, "chunked") {
				length = "X-Length: none"
			}
			go func() {
				fmt.Fprintf(conn, "%sHost: x\r\n%s\r\n\r\n", tt.request, length)
				if strings.Contains(tt.request, "chunked") {
					fmt.Fprintf(conn, "%x\r\n", 2*httpapi.MaxBody)
					_, _ = conn.Write(bytes.Repeat([]byte("x"), httpapi.MaxBody+1))
				}
			}()
			answers := bufio.NewReader(conn)
			answer, err := http.ReadResponse(answers, nil)
			if err != nil || answer.StatusCode != tt.status {
				t.Fatalf("%s: %v, %v", name, answer, err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			if _, err := answers.ReadByte(); err == nil || time.Since(began) > 12*time.Second {
				t.Errorf("%s: the connection is open after %v", name, time.Since(began))
			}
		})
	}
}

// TestAClientThatWaitsToContinueIsNotRead: it sends no body without a 100.
func TestAClientThatWaitsToContinueIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := apitest.Dial(t, asking(drainedConfig()))
		began := time.Now()
		go fmt.Fprintf(conn, "POST /v1/ask HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", 2*httpapi.MaxBody)
		raw, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(raw), "HTTP/1.1 413 ") || time.Since(began) > time.Second {
			t.Errorf("%s after %v, %v", raw, time.Since(began), err)
		}
	})
}
