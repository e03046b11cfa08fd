package source

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// isCertificate reports whether a connection failed because of the server's certificate.
func isCertificate(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &name)
}
