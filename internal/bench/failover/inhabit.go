package failover

import (
	"context"
	"net"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/local"
)

// separate is the node in a namespace of its own.
const separate = "expert-0"

// inhabit puts one node of a cluster into the namespace, and all others and
// their etcd where it reaches them.
func (n *namespace) inhabit(ctx context.Context, up *local.UpConfig) (*etcd.Server, error) {
	free, err := net.Listen("tcp", net.JoinHostPort(n.host, "0"))
	if err != nil {
		return nil, err
	}
	free.Close()
	store, err := etcd.Start(ctx, etcd.Config{Dir: filepath.Join(up.DataDir, "etcd"), ClientAddr: free.Addr().String()})
	if err != nil {
		return nil, err
	}
	up.Etcd = store.Endpoints()
	up.Host = func(name string) string {
		if name == separate {
			return n.inside
		}
		return n.host
	}
	up.Exec = func(name string, argv []string) []string {
		if name == separate {
			return append(n.enter(), argv...)
		}
		return argv
	}
	return store, nil
}
