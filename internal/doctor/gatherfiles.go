package doctor

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/hachi-serve/hachi/internal/identity"
)

// Listener is an address of a configuration, and the field that has it.
type Listener struct{ Field, Addr string }

// GatherPorts opens each listener and closes it again.
func GatherPorts(all []Listener) (out []PortFacts) {
	for _, l := range all {
		if l.Addr == "" {
			continue
		}
		facts := PortFacts{Field: l.Field, Addr: l.Addr}
		open, err := net.Listen("tcp", l.Addr)
		if err != nil {
			facts.Err = err.Error()
		} else if err := open.Close(); err != nil {
			facts.Err = err.Error()
		}
		out = append(out, facts)
	}
	return out
}

// GatherCertificates reads directories with ca.crt, tls.crt and tls.key of processes.
func GatherCertificates(now time.Time, dirs ...string) (out []CertificateFacts) {
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		facts := CertificateFacts{Where: dir}
		err := facts.read(filepath.Join(dir, identity.CertificateFile))
		if err == nil && now.Before(facts.Until) && now.After(facts.From) { // else its times say what is wrong
			_, err = identity.OpenForeign(dir, nil)
		}
		if err != nil {
			facts.Err = err.Error()
		}
		if info, err := os.Stat(filepath.Join(dir, identity.KeyFile)); err == nil {
			facts.KeyMode = uint32(info.Mode().Perm())
		}
		out = append(out, facts)
	}
	return out
}

// read reads the times of the first certificate of a file.
func (c *CertificateFacts) read(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return fmt.Errorf("%s: no PEM block", path)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	c.From, c.Until = leaf.NotBefore, leaf.NotAfter
	return nil
}
