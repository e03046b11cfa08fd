package local

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/identity"
)

// TestCertificatesHoldWhileTheClockIsSet: back, as when a machine hears of the time after
// its start, and forth, before they are renewed.
func TestCertificatesHoldWhileTheClockIsSet(t *testing.T) {
	cfg := DefaultUp()
	cfg.DataDir = t.TempDir()
	a, err := newAuthority(cfg, "c")
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	read := func(name string) *x509.Certificate {
		raw, err := os.ReadFile(filepath.Join(cfg.certificates("router-0"), name))
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(raw)
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(read(identity.AuthoritiesFile))
	for jump, holds := range map[time.Duration]bool{-24 * time.Hour: true, -time.Hour: true, 0: true, renewAfter + renewCheck: true, 2 * certificateLife: false} {
		_, err := read(identity.CertificateFile).Verify(x509.VerifyOptions{Roots: trusted, CurrentTime: time.Now().Add(jump), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		if (err == nil) != holds {
			t.Errorf("with the clock set by %v: %v, expected that it holds: %v", jump, err, holds)
		}
	}
}
