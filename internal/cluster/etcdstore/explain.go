package etcdstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// probeWithin bounds the question whether an etcd speaks TLS.
const probeWithin = time.Second

// Explain adds to an error of an etcd that does not answer what the connection lacks:
// an etcd with TLS never answers in plaintext, and the other way round.
func (s *Store) Explain(err error) error {
	silent := errors.Is(err, context.DeadlineExceeded) || status.Code(err) == codes.Unavailable || status.Code(err) == codes.DeadlineExceeded
	if err == nil || !silent {
		return err
	}
	for _, addr := range s.cli.Endpoints() {
		encrypted, there := speaksTLS(addr)
		switch {
		case there && encrypted && !s.secure:
			return fmt.Errorf("etcd at %s speaks TLS: name a directory of certificates with --etcd-certificates, or with --certificates: %w", addr, err)
		case there && !encrypted && s.secure:
			return fmt.Errorf("etcd at %s speaks no TLS: give --etcd-certificates none if that is meant: %w", addr, err)
		}
	}
	return err
}

// speaksTLS asks a listener for a handshake. Whom it trusts does not matter: a server
// that refuses the certificate has answered by TLS.
func speaksTLS(addr string) (encrypted, there bool) {
	conn, err := net.DialTimeout("tcp", addr, probeWithin)
	if err != nil {
		return false, false
	}
	defer conn.Close()
	if conn.SetDeadline(time.Now().Add(probeWithin)) != nil {
		return false, false
	}
	err = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).Handshake() // it sends nothing
	var plain tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case err == nil, errors.As(err, &alert):
		return true, true
	case errors.As(err, &plain):
		return false, true
	}
	return false, !isTimeout(err)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
