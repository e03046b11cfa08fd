package identity

import (
	"context"
	"crypto/tls"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// Peer is the caller of an RPC; false for a caller without a certificate. The
// listener has verified the certificate, by ServerTLS or ClientsTLS.
func Peer(ctx context.Context) (ID, bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ID{}, false
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return ID{}, false
	}
	return PeerOf(&info.State)
}

// PeerOf is the other end of a connection, for requests of HTTP; nil is a
// connection without TLS.
func PeerOf(c *tls.ConnectionState) (ID, bool) {
	if c == nil || len(c.PeerCertificates) == 0 {
		return ID{}, false
	}
	id, err := Of(c.PeerCertificates[0])
	return id, err == nil
}
