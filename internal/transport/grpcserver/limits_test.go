package grpcserver

import (
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/test/bufconn"
)

// TestAConnectionIsLimited speaks HTTP/2 without gRPC: the server announces how many
// calls a connection may have and how much metadata a call, and closes one that pings all the time.
func TestAConnectionIsLimited(t *testing.T) {
	server, listener := New(nil), bufconn.Listen(1<<16)
	served := make(chan error)
	go func() { served <- server.Serve(listener) }()
	conn, err := listener.DialContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	frames := greet(t, conn)
	var streams, header uint32
	closed := http2.ErrCodeNo
	for pings := byte(0); closed == http2.ErrCodeNo; {
		frame, err := frames.ReadFrame()
		if err != nil {
			t.Fatalf("%v: the server closed the connection without a reason", err)
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if n, ok := f.Value(http2.SettingMaxConcurrentStreams); ok {
				streams = n
			}
			if n, ok := f.Value(http2.SettingMaxHeaderListSize); ok {
				header = n
			}
		case *http2.GoAwayFrame:
			closed = f.ErrCode
			continue
		}
		// Pings are answered until there are too many.
		if pings++; pings < 10 {
			if err := frames.WritePing(false, [8]byte{pings}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if streams != MaxStreams || header != MaxHeader || closed != http2.ErrCodeEnhanceYourCalm {
		t.Errorf("%d calls at once, %d bytes of metadata, closed with %v, want %d, %d and %v", streams, header, closed, MaxStreams, MaxHeader, http2.ErrCodeEnhanceYourCalm)
	}
	conn.Close()
	server.Stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// greet sends the preface of HTTP/2.
func greet(t *testing.T, conn net.Conn) *http2.Framer {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	frames := http2.NewFramer(conn, conn)
	if err := frames.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return frames
}
