package role

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/cluster/gossip"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
	"github.com/hachi-serve/hachi/moe"
)

// security is what a process shows and demands, read from the files of its
// SecurityConfig. The zero value is plaintext.
type security struct {
	source *identity.Source // nil is plaintext
	etcd   *identity.Source // nil is plaintext
	gossip *gossip.Keys     // nil is plaintext
	stop   context.CancelFunc
	work   sync.WaitGroup // that follows the files
}

// openSecurity reads the files, and follows them until close. What is wrong with
// them will still be wrong after a restart.
func openSecurity(c SecurityConfig, cluster ClusterConfig, role identity.Role) (*security, error) {
	s := &security{stop: func() {}}
	if cluster.InProcess != nil {
		return s, nil
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	if err := s.open(ctx, c, cluster.Logger); err != nil {
		s.close()
		return nil, &ConfigError{Err: err}
	}
	want := identity.ID{Cluster: cluster.Cluster, Role: role, Name: cluster.ID}
	if s.source != nil && s.source.ID() != want {
		s.close()
		return nil, &ConfigError{Err: &FieldError{Field: "security.certificates", Err: fmt.Errorf("the certificate in %s is of %v, expected %v: issue one with `hachi certs issue`, or change --id or --cluster", c.Certificates, s.source.ID(), want)}}
	}
	return s, nil
}

func (s *security) open(ctx context.Context, c SecurityConfig, log *slog.Logger) (err error) {
	if c.Certificates != "" {
		if s.source, err = identity.Open(c.Certificates, log); err != nil {
			return &FieldError{Field: "security.certificates", Err: err}
		}
		s.work.Go(func() { s.source.Follow(ctx) })
	}
	switch s.etcd = s.source; c.EtcdCertificates {
	case "":
	case PlaintextEtcd:
		s.etcd = nil
	default:
		if s.etcd, err = identity.OpenForeign(c.EtcdCertificates, log); err != nil {
			return &FieldError{Field: "security.etcdCertificates", Err: err}
		}
		s.work.Go(func() { s.etcd.Follow(ctx) })
	}
	if c.GossipKeys == "" {
		return nil
	}
	text, err := os.ReadFile(c.GossipKeys)
	if err == nil {
		s.gossip, err = gossip.ParseKeys(text)
	}
	if err != nil {
		return &FieldError{Field: "security.gossipKeys", Err: fmt.Errorf("%s: %w", c.GossipKeys, err)}
	}
	s.work.Go(func() {
		identity.Follow(ctx, []string{c.GossipKeys}, log, func() error {
			text, err := os.ReadFile(c.GossipKeys)
			if err != nil {
				return err
			}
			return s.gossip.Replace(text)
		})
	})
	return nil
}

// close ends the reading of files. What was read stays in use.
func (s *security) close() {
	s.stop()
	s.work.Wait()
}

// etcdCredentials are those of connections to etcd; nil is plaintext.
func (s *security) etcdCredentials() credentials.TransportCredentials {
	if s.etcd == nil {
		return nil
	}
	return s.etcd.HostCredentials()
}

// nodes makes the configuration of connections to expert nodes; nil is plaintext.
func (s *security) nodes() func(moe.NodeID) *tls.Config {
	if s.source == nil {
		return nil
	}
	return func(node moe.NodeID) *tls.Config { return s.source.ClientTLS(identity.Expert, string(node)) }
}

// rules guard a gRPC server by the roles of its callers, and by the keys of operators for
// whom they call; none in plaintext. A nil gate has no keys.
func (s *security) rules(gate *keys.Gate, log *slog.Logger) []grpc.ServerOption {
	if s.source == nil {
		return nil
	}
	return identity.NewGuard(identity.Methods(), log).Keyed(func(ctx context.Context) error {
		caller, err := gate.EnterKeyed(keys.Credential(func(name string) []string { return metadata.ValueFromIncomingContext(ctx, name) }))
		if err != nil {
			return grpcstatus.Error(codes.PermissionDenied, err.Error())
		}
		caller.Leave()
		return nil
	}).Options()
}

// handler guards the coordinator's HTTP API by the roles of its callers.
func (s *security) handler(api *http.ServeMux, log *slog.Logger) http.Handler {
	if s.source == nil {
		return api
	}
	return identity.NewGuard(identity.Routes(), log).Handler(api, status.Refuse)
}

// memberTLS is the configuration of a listener for processes of the cluster; nil is
// plaintext.
func (s *security) memberTLS() *tls.Config {
	if s.source == nil {
		return nil
	}
	return s.source.ServerTLS()
}

// members are the options of a gRPC server that only processes of the cluster call.
func (s *security) members(log *slog.Logger) []grpc.ServerOption {
	if s.source == nil {
		return nil
	}
	return append(s.rules(nil, log), grpc.Creds(rpc.NewTLS(s.source.ServerTLS())))
}

// clients are the options of a gRPC server that clients call, with or without a
// certificate.
func (s *security) clients(gate *keys.Gate, log *slog.Logger) []grpc.ServerOption {
	if s.source == nil {
		return nil
	}
	return append(s.rules(gate, log), grpc.Creds(credentials.NewTLS(s.source.ClientsTLS())))
}

// reissued gets a signal when another authority has issued the certificate; nil in
// plaintext.
func (s *security) reissued() <-chan struct{} {
	if s.source == nil {
		return nil
	}
	return s.source.Reissued()
}

// caller is the router that a certificate names; nil where there are none.
func (s *security) caller() func(context.Context) (moe.RouterID, bool) {
	if s.source == nil {
		return nil
	}
	return func(ctx context.Context) (moe.RouterID, bool) {
		id, ok := identity.Peer(ctx)
		return moe.RouterID(id.Name), ok
	}
}
