package etcd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"

	"github.com/hachi-serve/hachi/internal/identity"
)

// Config says where the server keeps its data and listens.
type Config struct {
	Dir        string
	ClientAddr string // HOST:PORT; a free loopback port when empty
	// Certificates is a directory with ca.crt, tls.crt and tls.key: clients must
	// show a certificate of an authority in ca.crt. "" is plaintext.
	Certificates string
	// Name and Members, by name the HOST:PORT where other members reach it, make it one
	// of several. Without them it is the only one.
	Name    string
	Members map[string]string
	// Joins says that the others run already and expect it: it has no data yet.
	Joins bool
}

// Server is a running member.
type Server struct {
	etcd  *embed.Etcd
	addr  string
	close sync.Once
}

const (
	tries      = 5
	retryAfter = 300 * time.Millisecond
)

// closeWithin bounds a stop: open clients otherwise hold it up for seconds.
const closeWithin = 3 * time.Second

// Start runs a server and returns when it answers. A port that was free can be
// taken by somebody else's connection for a moment, so it tries more than once.
func Start(ctx context.Context, c Config) (*Server, error) {
	var last error
	for range tries {
		s, err := start(ctx, c)
		if err == nil {
			return s, nil
		}
		last = err
		select {
		case <-ctx.Done():
			return nil, last
		case <-time.After(retryAfter):
		}
	}
	return nil, last
}

func start(ctx context.Context, c Config) (*Server, error) {
	cfg := embed.NewConfig()
	cfg.Dir = c.Dir
	cfg.Logger = "zap"
	cfg.LogLevel = "warn"
	cfg.LogOutputs = []string{filepath.Join(filepath.Dir(c.Dir), "etcd.log")}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	// Loopback answers at once: elections need not wait for a network.
	cfg.TickMs, cfg.ElectionMs = 50, 250
	cfg.QuotaBackendBytes = 256 << 20
	cfg.AutoCompactionMode, cfg.AutoCompactionRetention = "revision", "1000"
	scheme := "http"
	if c.Certificates != "" {
		scheme, cfg.ClientTLSInfo, cfg.PeerTLSInfo = "https", tlsInfo(c.Certificates), tlsInfo(c.Certificates)
		cfg.PeerTLSInfo.AllowedCNs = []string{string(identity.Etcd)}
		cfg.TlsMinVersion = "TLS1.3"
	}
	client, err := listenURL(scheme, c.ClientAddr)
	if err != nil {
		return nil, err
	}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	if err := c.joinOthers(cfg, scheme); err != nil {
		return nil, err
	}
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{etcd: e, addr: client.Host}
	select {
	case <-e.Server.ReadyNotify():
		return s, nil
	case err = <-e.Err():
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.Close()
	return nil, fmt.Errorf("start: %w", err)
}

// joinOthers says where the members are.
func (c Config) joinOthers(cfg *embed.Config, scheme string) error {
	peer, err := listenURL(scheme, c.Members[c.Name])
	if err != nil {
		return err
	}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	if len(c.Members) == 0 {
		cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
		return nil
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(c.Members)) {
		all = append(all, name+"="+scheme+"://"+c.Members[name])
	}
	cfg.Name, cfg.InitialCluster = c.Name, strings.Join(all, ",")
	if c.Joins {
		cfg.ClusterState = embed.ClusterStateFlagExisting
	}
	return nil
}

// tlsInfo demands certificates of clients. etcd reads certificate and key for each
// connection, and the authorities once.
func tlsInfo(dir string) transport.TLSInfo {
	return transport.TLSInfo{
		CertFile: filepath.Join(dir, identity.CertificateFile), KeyFile: filepath.Join(dir, identity.KeyFile),
		TrustedCAFile: filepath.Join(dir, identity.AuthoritiesFile), ClientCertAuth: true,
	}
}

// listenURL is a URL on an address, or on a free loopback port.
func listenURL(scheme, addr string) (url.URL, error) {
	if addr == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return url.URL{}, errors.Join(errors.New("no free loopback port"), err)
		}
		addr = l.Addr().String()
		l.Close()
	}
	return url.URL{Scheme: scheme, Host: addr}, nil
}

// Endpoints are the addresses clients use.
func (s *Server) Endpoints() []string { return []string{s.addr} }

// Close stops the server. Its clients see a broken connection.
func (s *Server) Close() {
	s.close.Do(func() {
		s.etcd.Server.HardStop()
		closed := make(chan struct{})
		go func() { defer close(closed); s.etcd.Close() }()
		select {
		case <-closed:
		case <-time.After(closeWithin):
		}
	})
}
