package identity

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Directory is where an operator keeps the authority of a cluster and the
// certificates that it issued:
//
//	ca.crt              the authority, and those before it while they are trusted
//	ca.key              its key, which no process of the cluster needs
//	gossip.keys         the keys of the gossip
//	ROLE/NAME/ca.crt, tls.crt, tls.key
type Directory string

// GossipKeysFile has the keys of the gossip, one on each line.
const GossipKeysFile = "gossip.keys"

const (
	authorityKeyFile = "ca.key"
	gossipKeyBytes   = 32
)

func (d Directory) path(names ...string) string {
	return filepath.Join(append([]string{string(d)}, names...)...)
}

// Init makes an authority and a key of the gossip. A directory that has an
// authority is refused.
func (d Directory) Init(cluster string, life time.Duration) error {
	if _, err := os.Lstat(d.path(authorityKeyFile)); err == nil {
		return fmt.Errorf("%s has an authority: rotate it, or choose another directory", d)
	}
	a, err := NewAuthority(cluster, time.Now(), life)
	if err != nil {
		return err
	}
	if err := MakeDir(string(d)); err != nil {
		return err
	}
	if err := d.write(a, nil); err != nil {
		return err
	}
	return WriteFile(d.path(GossipKeysFile), []byte(NewGossipKey()+"\n"))
}

// NewGossipKey is a key of the gossip, as its file has it.
func NewGossipKey() string {
	key := make([]byte, gossipKeyBytes)
	rand.Read(key) // never fails
	return base64.StdEncoding.EncodeToString(key)
}

// write replaces the authority. The authorities before it stay trusted.
func (d Directory) write(a *Authority, before []byte) error {
	p, err := a.Pair()
	if err != nil {
		return err
	}
	return errors.Join(WriteFile(d.path(authorityKeyFile), p.Key), WriteFile(d.path(AuthoritiesFile), append(p.Certificate, before...)))
}

// Rotate makes a new authority beside those before, which stay trusted until
// Forget. Every process gets the new list.
func (d Directory) Rotate(life time.Duration) error {
	before, err := os.ReadFile(d.path(AuthoritiesFile))
	if err != nil {
		return err
	}
	all, err := d.List()
	if err != nil {
		return err
	}
	_, old, err := d.authority()
	if err != nil {
		return err
	}
	a, err := NewAuthority(old.cluster(), time.Now(), life)
	if err != nil {
		return err
	}
	if err := d.write(a, before); err != nil {
		return err
	}
	return d.trust(all)
}

// Forget ends the trust in every authority but the newest. It refuses while a
// certificate of an older one is left.
func (d Directory) Forget() error {
	raw, err := os.ReadFile(d.path(AuthoritiesFile))
	if err != nil {
		return err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return fmt.Errorf("%s has no certificate", d.path(AuthoritiesFile))
	}
	newest := pem.EncodeToMemory(block)
	all, err := d.List()
	if err != nil {
		return err
	}
	for _, c := range all {
		if _, err := newMaterial(newest, Pair{c.pem, c.key}, false, time.Now()); err != nil {
			return fmt.Errorf("%v would not be trusted any more: renew all certificates first: %w", c.ID, err)
		}
	}
	if err := WriteFile(d.path(AuthoritiesFile), newest); err != nil {
		return err
	}
	return d.trust(all)
}

// trust hands the list of authorities to every process.
func (d Directory) trust(all []Issued) error {
	raw, err := os.ReadFile(d.path(AuthoritiesFile))
	for _, c := range all {
		err = errors.Join(err, WriteFile(filepath.Join(c.Dir, AuthoritiesFile), raw))
	}
	return err
}

// Issue makes the certificate of a process, in place of one it may have. The
// cluster is that of the authority's certificates.
func (d Directory) Issue(role Role, name string, hosts []string, life time.Duration) (dir string, err error) {
	trusted, a, err := d.authority()
	if err != nil {
		return "", err
	}
	return d.issue(trusted, a, Request{ID: ID{a.cluster(), role, name}, Hosts: hosts, From: time.Now(), Life: life})
}

func (d Directory) issue(trusted []byte, a *Authority, r Request) (dir string, err error) {
	p, err := a.Issue(r)
	if err != nil {
		return "", err
	}
	dir = d.path(string(r.ID.Role), r.ID.Name)
	return dir, Write(dir, trusted, p)
}

// authority reads the authority, and the list of those that are trusted.
func (d Directory) authority() (trusted []byte, a *Authority, err error) {
	if trusted, err = os.ReadFile(d.path(AuthoritiesFile)); err != nil {
		return nil, nil, err
	}
	key, err := os.ReadFile(d.path(authorityKeyFile))
	if err != nil {
		return nil, nil, err
	}
	a, err = ParseAuthority(Pair{trusted, key})
	return trusted, a, err
}

// Renew issues again every certificate that ends within a time, each for as long as
// it was valid before, and returns them.
func (d Directory) Renew(within time.Duration) ([]Issued, error) {
	trusted, a, err := d.authority()
	if err != nil {
		return nil, err
	}
	all, err := d.List()
	if err != nil {
		return nil, err
	}
	var out []Issued
	for _, c := range all {
		if time.Until(c.Until) > within {
			continue
		}
		life := c.Until.Sub(c.from.Add(skew))
		if _, err := d.issue(trusted, a, Request{ID: c.ID, Hosts: c.Hosts, From: time.Now(), Life: life}); err != nil {
			return out, err
		}
		c.Until = time.Now().Add(life)
		out = append(out, c)
	}
	return out, nil
}

// Issued is a certificate in a Directory.
type Issued struct {
	ID       ID
	Hosts    []string
	Until    time.Time
	Dir      string
	from     time.Time
	pem, key []byte
}

// List reads the certificates, in order of role and name.
func (d Directory) List() ([]Issued, error) {
	var out []Issued
	paths, err := filepath.Glob(d.path("*", "*", CertificateFile))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		c, err := readIssued(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out = append(out, c)
	}
	return out, nil
}

func readIssued(path string) (c Issued, err error) {
	c.Dir = filepath.Dir(path)
	if c.pem, err = os.ReadFile(path); err != nil {
		return c, err
	}
	if c.key, err = os.ReadFile(filepath.Join(c.Dir, KeyFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	chain, err := parseCertificates(c.pem)
	if err != nil {
		return c, err
	}
	c.from, c.Until, c.Hosts = chain[0].NotBefore, chain[0].NotAfter, hostsOf(chain[0])
	c.ID, err = Of(chain[0])
	return c, err
}

func hostsOf(c *x509.Certificate) []string {
	hosts := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		hosts = append(hosts, ip.String())
	}
	return hosts
}
