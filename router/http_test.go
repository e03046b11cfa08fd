package router

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
)

// TestHTTP2WithPriorKnowledge is served on the port of HTTP/1.1.
func TestHTTP2WithPriorKnowledge(t *testing.T) {
	b := start(t, nil)
	b.engine.Script = func(engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: b.tokenizer.Encode("world")}
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	for _, stream := range []bool{false, true} {
		body := fmt.Sprintf(`{"prompt":"x","stream":%v}`, stream)
		response, err := (&http.Client{Transport: transport}).Post(b.url+"/v1/completions", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.ProtoMajor != 2 || response.StatusCode != 200 || !strings.Contains(string(raw), "world") {
			t.Errorf("stream %v: %s %d %s, %v", stream, response.Proto, response.StatusCode, raw, err)
		}
	}
}

// TestHalfClosedClientGetsItsAnswer: a client that writes no more still reads.
func TestHalfClosedClientGetsItsAnswer(t *testing.T) {
	b := start(t, nil)
	b.engine.Script = func(engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: b.tokenizer.Encode("world")}
	}
	for _, stream := range []bool{false, true} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"prompt":"x","stream":%v}`, stream)
		if _, err := fmt.Fprintf(conn, "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(conn)
		conn.Close()
		if err != nil || !strings.HasPrefix(string(raw), "HTTP/1.1 200 OK\r\n") || !strings.Contains(string(raw), "world") {
			t.Errorf("stream %v: %s, %v", stream, raw, err)
		}
	}
}
