package role

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/identity"
)

// RouterSecurity is the section security of a router.
type RouterSecurity struct {
	SecurityConfig `yaml:",inline"`
	AccessConfig   `yaml:",inline"`
}

// MemberSecurity is the section security of a process that clients do not call.
type MemberSecurity struct {
	SecurityConfig `yaml:",inline"`
	AdminConfig    `yaml:",inline"`
}

// AdminConfig says who may see the inside of a process.
type AdminConfig struct {
	// AdminListen is the address of the admin API, HOST:PORT; "" is none.
	AdminListen string `yaml:"adminListen"`
	// AdminKeys is a file with the hashed keys of admins; "" is none.
	AdminKeys string `yaml:"adminKeys"`
}

// AccessConfig says who may call the APIs of a router.
type AccessConfig struct {
	AdminConfig `yaml:",inline"`
	// APIKeys is a file with the hashed keys of clients; "" asks for none.
	APIKeys string `yaml:"apiKeys"`
	// SharedPrefixCache lets clients share one prefix cache. Then the time to the
	// first token says what other clients have sent.
	SharedPrefixCache bool `yaml:"sharedPrefixCache"`
	// HTTPCertificates is a directory with tls.crt and tls.key of the HTTP API; "" is
	// plaintext.
	HTTPCertificates string `yaml:"httpCertificates"`
	// AllowedHosts are names that stand for this machine in the Host header of
	// requests to a loopback listener.
	AllowedHosts []string `yaml:"allowedHosts"`
}

// CheckAccess adds the faults of a router's listeners for clients. Both the keys and
// the encryption of what other machines reach are required.
func (s RouterSecurity) CheckAccess(f *Faults, c ClusterConfig, listen, grpc string) {
	if c.InProcess == nil {
		s.checkListener(f, "listen", listen)
		if s.APIKeys == "" && s.Certificates != "" { // without certificates check has refused it
			s.CheckPlaintext(f, "grpc", grpc, "--api-keys")
		}
	}
	s.AdminConfig.checkAdmin(f, s.SecurityConfig)
	for _, host := range s.AllowedHosts {
		if host == "" || host != strings.ToLower(host) || strings.ContainsAny(host, "/:* ") {
			f.Addf("security.allowedHosts", "%q: want a host name in lower case, without a port", host)
		}
	}
}

// checkListener refuses an HTTP listener that other machines reach and that asks for
// no keys, or is plaintext.
func (s RouterSecurity) checkListener(f *Faults, field, addr string) {
	if s.APIKeys == "" {
		s.CheckPlaintext(f, field, addr, "--api-keys")
	}
	if s.HTTPCertificates == "" {
		s.CheckPlaintext(f, field, addr, "--http-certificates")
	}
}

// checkAdmin refuses an admin listener that other machines reach and that is
// plaintext. With certificates only an operator's, or an admin's key, passes.
func (a AdminConfig) checkAdmin(f *Faults, s SecurityConfig) {
	if a.AdminListen == "" {
		return
	}
	f.Address("security.adminListen", a.AdminListen)
	if s.Certificates == "" {
		s.CheckPlaintext(f, "security.adminListen", a.AdminListen, "--certificates")
	}
}

// access is who may call, read from the files of an AccessConfig.
type access struct {
	gate        *keys.Gate
	certificate *pair // of the HTTP API; nil is plaintext
	stop        context.CancelFunc
	work        sync.WaitGroup // that follows the files
}

// openAccess reads the files, and follows them until close.
func openAccess(c AccessConfig, log *slog.Logger) (*access, error) {
	ctx, stop := context.WithCancel(context.Background())
	a := &access{gate: &keys.Gate{SharedCache: c.SharedPrefixCache}, stop: stop}
	var err error
	if a.gate.Clients, err = a.open(ctx, "security.apiKeys", c.APIKeys, log); err == nil {
		a.gate.Admins, err = a.open(ctx, "security.adminKeys", c.AdminKeys, log)
	}
	if err == nil && c.HTTPCertificates != "" {
		a.certificate = &pair{dir: c.HTTPCertificates}
		if err = a.certificate.reload(); err != nil {
			err = &ConfigError{Err: &FieldError{Field: "security.httpCertificates", Err: err}}
		}
		a.work.Go(func() { identity.Follow(ctx, a.certificate.files(), log, a.certificate.reload) })
	}
	if err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// open reads a file of keys, and follows it until ctx ends; "" is no file.
func (a *access) open(ctx context.Context, field, path string, log *slog.Logger) (*keys.Guard, error) {
	if path == "" {
		return nil, nil
	}
	file, err := keys.Open(path)
	if err != nil {
		return nil, &ConfigError{Err: &FieldError{Field: field, Err: err}}
	}
	a.work.Go(func() { identity.Follow(ctx, []string{path}, log, file.Reload) })
	return file.Guard, nil
}

// close ends the reading of files. What was read stays in use.
func (a *access) close() {
	a.stop()
	a.work.Wait()
}

// tls is the configuration of the HTTP listener; nil is plaintext.
func (a *access) tls() *tls.Config {
	if a.certificate == nil {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12, // clients are not ours
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return a.certificate.current.Load(), nil },
	}
}

// pair is a certificate for clients, with its key. Any authority that clients trust
// may have issued it.
type pair struct {
	dir     string
	current atomic.Pointer[tls.Certificate]
}

func (p *pair) files() []string {
	return []string{filepath.Join(p.dir, identity.CertificateFile), filepath.Join(p.dir, identity.KeyFile)}
}

func (p *pair) reload() error {
	files := p.files()
	next, err := tls.LoadX509KeyPair(files[0], files[1])
	if err != nil {
		return fmt.Errorf("certificate in %s: %w", p.dir, err)
	}
	p.current.Store(&next)
	return nil
}
