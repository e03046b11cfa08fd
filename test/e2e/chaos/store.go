package chaos

import (
	"context"
	"net"
	"os"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
)

// store is the etcd of a cluster, in this process, so that every namespace reaches
// it. It keeps its address.
type store struct {
	dir, address string
	server       *etcd.Server
}

// newStore starts an etcd on an address of this machine.
func newStore(ctx context.Context, dir, host string) (store, error) {
	free, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return store{}, err
	}
	free.Close()
	s := store{dir: filepath.Join(dir, "etcd"), address: free.Addr().String()}
	return s, s.start(false)
}

func (s *store) stop() { s.server.Close() }

// start starts the store, without its data if that is lost.
func (s *store) start(lost bool) error {
	if lost {
		if err := os.RemoveAll(s.dir); err != nil {
			return err
		}
	}
	server, err := etcd.Start(context.Background(), etcd.Config{Dir: s.dir, ClientAddr: s.address})
	if err == nil {
		s.server = server
	}
	return err
}
