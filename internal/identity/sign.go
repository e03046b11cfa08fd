package identity

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// Signature is what a process says of a message: its certificate, with those of
// authorities between it and ca.crt, and the signature by its key.
type Signature struct {
	Chain [][]byte // DER, the process's first
	Bytes []byte   // ECDSA with SHA-256, ASN.1
}

// Sign signs a message with the certificate of now.
func (s *Source) Sign(message []byte) (Signature, error) {
	c := s.current.Load().certificate
	key, ok := c.PrivateKey.(crypto.Signer)
	if !ok {
		return Signature{}, fmt.Errorf("a key of type %T cannot sign", c.PrivateKey)
	}
	digest := sha256.Sum256(message)
	signed, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	return Signature{c.Certificate, signed}, err
}

// maxChain bounds the certificates of a signature.
const maxChain = 5

// Signer is the ID of the process that signed a message, and the key of the authority
// that issued its certificate, as Issuer has it. A signature outlives its
// certificate, but not the trust in its authority: a record that nothing had
// reason to change stays good.
func (s *Source) Signer(sig Signature, message []byte) (id ID, issuer []byte, err error) {
	if len(sig.Chain) == 0 || len(sig.Chain) > maxChain {
		return ID{}, nil, fmt.Errorf("%d certificates, expected 1 to %d", len(sig.Chain), maxChain)
	}
	chain := make([]*x509.Certificate, len(sig.Chain))
	for i, raw := range sig.Chain {
		if chain[i], err = x509.ParseCertificate(raw); err != nil {
			return ID{}, nil, err
		}
	}
	at := time.Now()
	if end := chain[0].NotAfter; at.After(end) {
		at = end
	}
	m := s.current.Load()
	if id, err = m.verify(chain, at, x509.ExtKeyUsageClientAuth); err != nil {
		return ID{}, nil, err
	}
	if id.Cluster != m.id.Cluster {
		return ID{}, nil, fmt.Errorf("the certificate is of %v, expected cluster %s", id, m.id.Cluster)
	}
	if chain[0].CheckSignature(x509.ECDSAWithSHA256, message, sig.Bytes) != nil {
		return ID{}, nil, errors.New("the signature does not fit")
	}
	return id, chain[0].AuthorityKeyId, nil
}
