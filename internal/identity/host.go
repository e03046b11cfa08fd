package identity

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"

	"google.golang.org/grpc/credentials"
)

// HostCredentials are those of connections to a server that is known by its host
// name and not by an ID, as etcd. An authority of the cluster must vouch for the
// name.
func (s *Source) HostCredentials() credentials.TransportCredentials {
	return hostCredentials{credentials.NewTLS(s.HostTLS()), s}
}

// HostTLS is the configuration of such connections, with the authorities of now.
func (s *Source) HostTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, // etcd may be another operator's
		RootCAs:    s.current.Load().authorities,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &s.current.Load().certificate, nil
		},
	}
}

// hostCredentials makes a configuration per connection, so that each is verified by
// the authorities of its time.
type hostCredentials struct {
	credentials.TransportCredentials
	source *Source
}

// ClientHandshake implements credentials.TransportCredentials.
func (c hostCredentials) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := credentials.NewTLS(c.source.HostTLS()).ClientHandshake(ctx, authority, raw)
	if err == nil || refuses(err) {
		c.source.tell(authority, err)
	}
	return conn, info, err
}

// refuses reports whether a handshake failed for what an end is, and not because the
// connection broke, was too slow, or changed a byte.
func refuses(err error) bool {
	var op *net.OpError
	switch {
	case errors.As(err, &op):
		// crypto/tls reports an alert of the other end so, and has no type for it.
		return op.Op == "remote error" && strings.Contains(err.Error(), "certificate")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	}
	return true
}

// Clone implements credentials.TransportCredentials.
func (c hostCredentials) Clone() credentials.TransportCredentials { return c }
