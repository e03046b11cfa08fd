package accesstest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Server is a server that is walked.
type Server struct {
	Addr string
	// TLS is the configuration of connections; nil is plaintext.
	TLS *tls.Config
	// Ran counts the requests that have reached the engine.
	Ran func() int
	// Spellings are those of paths that are walked; none are all.
	Spellings []string
}

// Brief are a few spellings, for a server whose handler is walked by all elsewhere.
func Brief() []string { return []string{"plain", "encoded", "doubled slash", "without a slash"} }

// spells reports whether a spelling is walked.
func (s Server) spells(spelling string) bool {
	return len(s.Spellings) == 0 || slices.Contains(s.Spellings, spelling)
}

// dial connects for a protocol, by its name in ALPN.
func (s Server) dial(t *testing.T, protocol string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if s.TLS == nil {
		return conn
	}
	c := s.TLS.Clone()
	c.NextProtos, c.CurvePreferences = []string{protocol}, []tls.CurveID{tls.X25519} // the quickest
	return tls.Client(conn, c)
}

// scheme is that of URLs.
func (s Server) scheme() string {
	if s.TLS == nil {
		return "http"
	}
	return "https"
}

// Answer is what a server answered. Status 0 is no answer but the end of the stream, or
// of the connection.
type Answer struct {
	Status int
	Header http.Header
}

// request is a request as it is written: a path of any spelling.
type request struct {
	method, path, body string
	header             [][2]string
}

// protocols send a request.
var protocols = map[string]func(t *testing.T, s Server, r request) Answer{"HTTP/1.1": askHTTP1, "HTTP/2": askHTTP2}

// Ask asks for a path over HTTP/1.1.
func (s Server) Ask(t *testing.T, method, path, body string, c Credential) Answer {
	t.Helper()
	r := request{body: body}
	return askHTTP1(t, s, r.with(c, method, path))
}

func askHTTP1(t *testing.T, s Server, r request) Answer {
	t.Helper()
	conn := s.dial(t, "http/1.1")
	defer conn.Close()
	var raw bytes.Buffer
	fmt.Fprintf(&raw, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n", r.method, r.path, s.Addr, len(r.body))
	for _, h := range r.header {
		fmt.Fprintf(&raw, "%s: %s\r\n", h[0], h[1])
	}
	fmt.Fprintf(&raw, "\r\n%s", r.body)
	if _, err := conn.Write(raw.Bytes()); err != nil {
		return Answer{}
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return Answer{}
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return Answer{resp.StatusCode, resp.Header}
}

// askHTTP2 asks by frames, and reads the first headers.
func askHTTP2(t *testing.T, s Server, r request) Answer {
	t.Helper()
	var a Answer
	frames(t, s, r, func(f *http2.MetaHeadersFrame) (ended bool) {
		status, err := strconv.Atoi(f.PseudoValue("status"))
		if err != nil {
			t.Fatal(err)
		}
		a = Answer{status, http.Header{}}
		for _, field := range f.RegularFields() {
			a.Header.Add(field.Name, field.Value)
		}
		return true
	})
	return a
}

// frames sends a request by frames of HTTP/2 and reads headers until one ends the
// reading, or the stream ends.
func frames(t *testing.T, s Server, r request, read func(*http2.MetaHeadersFrame) (ended bool)) {
	t.Helper()
	conn := s.dial(t, "h2")
	defer conn.Close()
	var block bytes.Buffer
	out := hpack.NewEncoder(&block)
	fields := [][2]string{{":method", r.method}, {":scheme", s.scheme()}, {":authority", s.Addr}, {":path", r.path}}
	for _, f := range append(fields, r.header...) {
		_ = out.WriteField(hpack.HeaderField{Name: strings.ToLower(f[0]), Value: f[1]})
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings() // an error is that of the reads, too
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
	_ = framer.WriteData(1, true, []byte(r.body))
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		switch f := frame.(type) {
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return
		case *http2.MetaHeadersFrame:
			if read(f) {
				return
			}
		}
	}
}
