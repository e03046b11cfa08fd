package failover

import (
	"context"
	"net"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/namespaces"
)

// Inhabit puts processes of a cluster into their namespaces, and all others and
// their etcd, which the caller closes, where they reach them.
func Inhabit(ctx context.Context, n *namespaces.Network, up *local.UpConfig) (*etcd.Server, error) {
	free, err := net.Listen("tcp", net.JoinHostPort(n.Host(), "0"))
	if err != nil {
		return nil, err
	}
	free.Close()
	store, err := etcd.Start(ctx, etcd.Config{Dir: filepath.Join(up.DataDir, "etcd"), ClientAddr: free.Addr().String()})
	if err != nil {
		return nil, err
	}
	up.Etcd = store.Endpoints()
	up.Host, up.Exec = n.Address, n.Command
	up.Security.Insecure = true // the bridge is of this machine only
	return store, nil
}
