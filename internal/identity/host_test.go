package identity

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/logtest"
)

// TestABrokenConnectionIsNoRefusal: the log of a client names certificates only where an
// end has another one, and not where the connection broke.
func TestABrokenConnectionIsNoRefusal(t *testing.T) {
	ours, others := authority(t, "c"), authority(t, "c")
	issued, err := others.Issue(Request{ID: ID{"c", Etcd, "e"}, Hosts: []string{"127.0.0.1"}, From: time.Now(), Life: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.X509KeyPair(issued.Certificate, issued.Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		server func(ctx context.Context, conn net.Conn)
		refuse bool
	}{
		{"closed", func(context.Context, net.Conn) {}, false},
		{"closed within a record", func(_ context.Context, conn net.Conn) { _, _ = conn.Write([]byte{22, 3, 3}) }, false},
		{"silent", func(ctx context.Context, _ net.Conn) { <-ctx.Done() }, false},
		{"damaged", func(_ context.Context, conn net.Conn) {
			_ = tls.Server(flipped{conn}, &tls.Config{Certificates: []tls.Certificate{certificate}}).Handshake()
		}, false},
		{"another authority", func(_ context.Context, conn net.Conn) {
			_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}}).Handshake()
		}, true},
	} {
		var log logtest.Log
		client := source(t, ours, ID{"c", Router, "r"}, ours)
		client.peers = refusedPeers(log.Logger())
		near, far := connected(t)
		within := time.Minute
		if test.name == "silent" {
			within = 100 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), within)
		served := make(chan struct{})
		go func() {
			defer close(served)
			test.server(ctx, far)
			far.Close()
		}()
		if _, _, err := client.HostCredentials().ClientHandshake(ctx, "127.0.0.1:2379", near); err == nil {
			t.Errorf("%s: accepted", test.name)
		}
		cancel()
		near.Close()
		<-served
		if logged := log.Count("refused for its certificate") > 0; logged != test.refuse {
			t.Errorf("%s: %s", test.name, log.String())
		}
	}
}

// flipped changes a bit in the middle of every long write: in the certificate.
type flipped struct{ net.Conn }

func (f flipped) Write(b []byte) (int, error) {
	if len(b) > 200 {
		b = bytes.Clone(b)
		b[len(b)/2] ^= 1
	}
	return f.Conn.Write(b)
}

// connected are both ends of a TCP connection.
func connected(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return near, far
}
