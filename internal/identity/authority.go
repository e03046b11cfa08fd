package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"
)

const (
	// AuthorityLife and CertificateLife are how long certificates are valid when no
	// other time is given.
	AuthorityLife   = 10 * 365 * 24 * time.Hour
	CertificateLife = 90 * 24 * time.Hour

	// skew is how far the clock of another host may be behind.
	skew = 5 * time.Minute

	certificateBlock = "CERTIFICATE"
	keyBlock         = "PRIVATE KEY" // PKCS #8
)

// Authority issues the certificates of a cluster.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// Pair is a certificate and its private key, in PEM.
type Pair struct{ Certificate, Key []byte }

// NewAuthority makes an authority that is valid from a time on.
func NewAuthority(cluster string, from time.Time, life time.Duration) (*Authority, error) {
	if err := CheckName(cluster); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		// The serial number makes two authorities of a cluster differ.
		Subject:   pkix.Name{CommonName: cluster, Organization: []string{"hachi"}, SerialNumber: rand.Text()},
		NotBefore: from.Add(-skew), NotAfter: from.Add(life),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("certificate of the authority: %w", err)
	}
	certificate, err := x509.ParseCertificate(raw)
	return &Authority{certificate, key}, err
}

// ParseAuthority reads the first certificate of a file of authorities, and its key.
func ParseAuthority(p Pair) (*Authority, error) {
	all, err := parseCertificates(p.Certificate)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(p.Key)
	if block == nil || block.Type != keyBlock {
		return nil, errors.New("the key of the authority is no PEM block of type " + keyBlock)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("key of the authority: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	switch {
	case !ok:
		return nil, fmt.Errorf("the key of the authority is a %T, expected ECDSA", parsed)
	case !all[0].IsCA:
		return nil, errors.New("the first certificate is that of no authority")
	case !key.PublicKey.Equal(all[0].PublicKey):
		return nil, errors.New("the key is not that of the first certificate")
	}
	return &Authority{all[0], key}, nil
}

// cluster is the cluster of which the authority is.
func (a *Authority) cluster() string { return a.certificate.Subject.CommonName }

// Pair is the authority's own certificate and key, in PEM.
func (a *Authority) Pair() (Pair, error) { return newPair(a.certificate.Raw, a.key) }

// Request is what a certificate is to say.
type Request struct {
	ID ID
	// Hosts are the names and addresses under which clients reach the process
	// that know no ID, as those of HTTP and of etcd.
	Hosts []string
	From  time.Time
	Life  time.Duration
}

// Issue makes a key and a certificate for it. The certificate's common name is the
// role, which is the name of the user in etcd.
func (a *Authority) Issue(r Request) (Pair, error) {
	if err := r.ID.Check(); err != nil {
		return Pair{}, err
	}
	until := r.From.Add(r.Life)
	if until.After(a.certificate.NotAfter) {
		return Pair{}, fmt.Errorf("certificate of %v until %s: the authority's own ends at %s; issue it for less, or make a new authority",
			r.ID, until.Format(time.DateTime), a.certificate.NotAfter.Format(time.DateTime))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: string(r.ID.Role)}, URIs: []*url.URL{r.ID.url()},
		NotBefore: r.From.Add(-skew), NotAfter: until, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, host := range r.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return Pair{}, fmt.Errorf("certificate of %v: %w", r.ID, err)
	}
	return newPair(raw, key)
}

func newPair(certificate []byte, key *ecdsa.PrivateKey) (Pair, error) {
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: certificate}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: raw}),
	}, nil
}

// parseCertificates reads the certificates of a PEM file, one or more.
func parseCertificates(raw []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for {
		var block *pem.Block
		if block, raw = pem.Decode(raw); block == nil {
			break
		}
		if block.Type != certificateBlock {
			return nil, fmt.Errorf("PEM block %q, expected %s", block.Type, certificateBlock)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, errors.New("no certificate in PEM")
	}
	return out, nil
}
