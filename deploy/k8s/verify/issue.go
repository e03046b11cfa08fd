package verify

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// issue writes what the driver of cert-manager writes for a pod: a key, a certificate
// with the names that the volume asks for, and that of the authority. Processes dial
// addresses where pods dial names, so that the addresses are among the names.
func (r *Runner) issue(p Pod, source *corev1.CSIVolumeSource, to string) error {
	authority, err := tls.LoadX509KeyPair(filepath.Join(r.Authority, "ca.crt"), filepath.Join(r.Authority, "ca.key"))
	if err != nil {
		return err
	}
	uri, err := url.Parse(attribute(source, "uri-sans", p))
	if err != nil {
		return err
	}
	life, err := time.ParseDuration(attribute(source, "duration", p))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: attribute(source, "common-name", p)}, URIs: []*url.URL{uri},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(life), BasicConstraintsValid: true,
	}
	for _, name := range strings.Split(attribute(source, "dns-names", p), ",") {
		template.DNSNames = append(template.DNSNames, name)
		for _, e := range r.Names.hosts[strings.TrimSuffix(strings.TrimSuffix(name, ".svc"), ".hachi")] {
			template.IPAddresses = append(template.IPAddresses, net.ParseIP(e.pod.IP))
		}
	}
	for _, usage := range strings.Split(attribute(source, "key-usages", p), ",") {
		switch usage {
		case "digital signature":
			template.KeyUsage |= x509.KeyUsageDigitalSignature
		case "server auth":
			template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		case "client auth":
			template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, authority.Leaf, key.Public(), authority.PrivateKey)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.MkdirAll(to, 0o700), copyFile(filepath.Join(r.Authority, "ca.crt"), filepath.Join(to, "ca.crt")),
		os.WriteFile(filepath.Join(to, "tls.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600),
		os.WriteFile(filepath.Join(to, "tls.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
	)
}
