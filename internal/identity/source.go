package identity

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hachi-serve/hachi/internal/episode"
)

// The files of a certificate in its directory, by the names of a Secret of
// Kubernetes of the type kubernetes.io/tls.
const (
	AuthoritiesFile = "ca.crt" // one authority, or several while they are rotated
	CertificateFile = "tls.crt"
	KeyFile         = "tls.key"
)

// Source is the certificate of this process and the authorities it trusts, as
// their files have them.
type Source struct {
	dir     string
	logger  *slog.Logger
	foreign bool // the certificate names no process of a cluster
	current atomic.Pointer[material]
	peers   *episode.Log // those that are refused

	mu       sync.Mutex // guards reissued
	reissued []chan struct{}
}

// material is what the files held at one time.
type material struct {
	id          ID
	certificate tls.Certificate // with its leaf
	authorities *x509.CertPool
}

// Open reads the certificate in a directory. A nil logger is silent.
func Open(dir string, logger *slog.Logger) (*Source, error) { return open(dir, false, logger) }

// OpenForeign reads a certificate that need not name a process of a cluster, for a
// server of another operator, as etcd may be.
func OpenForeign(dir string, logger *slog.Logger) (*Source, error) { return open(dir, true, logger) }

func open(dir string, foreign bool, logger *slog.Logger) (*Source, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s := &Source{dir: dir, logger: logger, foreign: foreign, peers: refusedPeers(logger)}
	if err := s.reload(); err != nil {
		return nil, err
	}
	return s, nil
}

// ID names this process.
func (s *Source) ID() ID { return s.current.Load().id }

// Leaf is the certificate of now.
func (s *Source) Leaf() *x509.Certificate { return s.current.Load().certificate.Leaf }

// Follow reads the files again when they change, until ctx ends. Files of another
// process are refused.
func (s *Source) Follow(ctx context.Context) {
	Follow(ctx, s.files(), s.logger, s.reload)
}

func (s *Source) files() []string {
	return []string{filepath.Join(s.dir, AuthoritiesFile), filepath.Join(s.dir, CertificateFile), filepath.Join(s.dir, KeyFile)}
}

func (s *Source) reload() error {
	var raw [3][]byte
	for i, path := range s.files() {
		var err error
		if raw[i], err = os.ReadFile(path); err != nil {
			return fmt.Errorf("certificates: %w", err)
		}
	}
	m, err := newMaterial(raw[0], Pair{raw[1], raw[2]}, s.foreign, time.Now())
	if err != nil {
		return fmt.Errorf("certificates in %s: %w", s.dir, err)
	}
	before := s.current.Load()
	if before != nil && before.id != m.id {
		return fmt.Errorf("certificates in %s: they are of %v, expected %v, as at the start of this process", s.dir, m.id, before.id)
	}
	s.current.Store(m)
	if before != nil && !bytes.Equal(before.issuer(), m.issuer()) {
		s.announce()
	}
	return nil
}

// Issuer names the key of the authority that issued the certificate (RFC 5280, section
// 4.2.1.1).
func (s *Source) Issuer() []byte { return s.current.Load().issuer() }

func (m *material) issuer() []byte { return m.certificate.Leaf.AuthorityKeyId }

// Reissued is a channel of capacity 1 that gets a signal when the certificate is that
// of another authority than before: what the process signed should be signed again.
func (s *Source) Reissued() <-chan struct{} {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reissued = append(s.reissued, c)
	return c
}

func (s *Source) announce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.reissued {
		select {
		case c <- struct{}{}:
		default: // it has a signal already
		}
	}
}

func refusedPeers(logger *slog.Logger) *episode.Log {
	return episode.New(logger, slog.LevelError, "peer is refused for its certificate", "peer has the expected certificate again", "peer", episode.State)
}

// tell logs a refusal of a peer once, until the peer is accepted or is refused for
// another reason.
func (s *Source) tell(peer string, err error) {
	if err != nil {
		s.peers.FailedFor(peer, err)
		return
	}
	s.peers.Worked(peer)
}
