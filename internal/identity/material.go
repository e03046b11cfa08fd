package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// newMaterial joins the contents of the three files. It refuses what every peer
// would refuse at a time.
func newMaterial(authorities []byte, p Pair, foreign bool, now time.Time) (*material, error) {
	pool := x509.NewCertPool()
	all, err := parseCertificates(authorities)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", AuthoritiesFile, err)
	}
	for _, c := range all {
		pool.AddCert(c)
	}
	m := &material{authorities: pool}
	if m.certificate, err = tls.X509KeyPair(p.Certificate, p.Key); err != nil {
		return nil, fmt.Errorf("%s and %s: %w", CertificateFile, KeyFile, err)
	}
	chain, err := parseCertificates(p.Certificate)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", CertificateFile, err)
	}
	if err := m.trust(chain, now, x509.ExtKeyUsageAny); err != nil {
		return nil, fmt.Errorf("%s: %w", CertificateFile, err)
	}
	if foreign {
		return m, nil
	}
	if m.id, err = Of(chain[0]); err != nil {
		return nil, fmt.Errorf("%s: %w", CertificateFile, err)
	}
	if key, ok := chain[0].PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%s: the key is a %T, expected ECDSA on the curve P-256", CertificateFile, chain[0].PublicKey)
	}
	return m, nil
}

// verify is the ID in a chain of certificates, if an authority vouches for it at a
// time and for a use.
func (m *material) verify(chain []*x509.Certificate, now time.Time, usage x509.ExtKeyUsage) (ID, error) {
	if err := m.trust(chain, now, usage); err != nil {
		return ID{}, err
	}
	return Of(chain[0])
}

// trust reports why no authority vouches for a chain.
func (m *material) trust(chain []*x509.Certificate, now time.Time, usage x509.ExtKeyUsage) error {
	if len(chain) == 0 {
		return errors.New("no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: m.authorities, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage},
	})
	return err
}
