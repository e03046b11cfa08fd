package role

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/identity"
)

// TestTheCertificateOfHTTPIsReplacedUnderConnections: connections stay open and new
// ones see the new certificate. Damaged files leave the old one in use.
func TestTheCertificateOfHTTPIsReplacedUnderConnections(t *testing.T) {
	authority, err := identity.NewAuthority("c", time.Now(), 2*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "certs")
	issue := func(name string) {
		t.Helper()
		pair, err := authority.Issue(identity.Request{ID: identity.ID{Cluster: "c", Role: identity.Router, Name: name}, Hosts: []string{"localhost"}, From: time.Now(), Life: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		ca, err := authority.Pair()
		if err != nil {
			t.Fatal(err)
		}
		if err := identity.Write(dir, ca.Certificate, pair); err != nil {
			t.Fatal(err)
		}
	}
	issue("first")
	a, err := openAccess(AccessConfig{HTTPCertificates: dir}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", a.tls())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // echo
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func(conn net.Conn) {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}(conn)
		}
	}()
	dial := func() (conn *tls.Conn, name string) {
		t.Helper()
		conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		id, err := identity.Of(conn.ConnectionState().PeerCertificates[0])
		if err != nil {
			t.Fatal(err)
		}
		return conn, id.Name
	}
	old, name := dial()
	defer old.Close()
	if name != "first" {
		t.Errorf("the certificate is of %s", name)
	}
	if err := os.WriteFile(filepath.Join(dir, identity.KeyFile), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.certificate.reload(); err == nil {
		t.Error("a damaged key is taken")
	}
	issue("second")
	eventually.True(t, "new connections see the new certificate", func() bool {
		conn, name := dial()
		conn.Close()
		return name == "second"
	})
	if _, err := old.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(old, make([]byte, 1)); err != nil {
		t.Errorf("the old connection: %v", err)
	}
}
