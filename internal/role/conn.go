package role

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/etcdstore"
	"github.com/hachi-serve/hachi/internal/cluster/gossip"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
)

// clusterConn connects a process to its cluster. A role that shares its process
// with the others has a registry only.
type clusterConn struct {
	client   *etcdstore.Store
	registry *registry.Registry
	gossip   *gossip.Member
}

// gossipAddr is the address for the role's record.
func (c *clusterConn) gossipAddr() string {
	if c.gossip == nil {
		return ""
	}
	return c.gossip.Addr()
}

// join connects to etcd and joins the gossip.
func join(cfg ClusterConfig, role string, changed func(gossip.Change)) (*clusterConn, error) {
	options := registry.Options{TTL: cfg.TTL, Logger: cfg.Logger}
	if p := cfg.InProcess; p != nil {
		return &clusterConn{registry: registry.New(p.Store, registry.Prefix(cfg.Cluster), options)}, nil
	}
	client, err := etcdstore.Dial(cfg.Etcd, cfg.Logger)
	if err != nil {
		return nil, err
	}
	c := &clusterConn{client: client, registry: registry.New(client, registry.Prefix(cfg.Cluster), options)}
	c.gossip, err = gossip.Start(gossip.Config{
		Name: cfg.ID, Role: role, Label: cmp.Or(cfg.GossipLabel, cfg.Cluster), Bind: cfg.Gossip, Advertise: cfg.AdvertiseGossip,
		Seeds: c.seeds, OnChange: changed, Logger: cfg.Logger,
	})
	if err != nil {
		client.Close()
		return nil, err
	}
	return c, nil
}

// seedsTimeout bounds one read of the gossip addresses: a healthy etcd answers in
// milliseconds.
const seedsTimeout = 5 * time.Second

// seeds are the gossip addresses of every registered process.
func (c *clusterConn) seeds(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, seedsTimeout)
	defer cancel()
	var out []string
	nodes, err := c.registry.Nodes(ctx)
	if err != nil {
		return nil
	}
	for _, r := range nodes {
		out = append(out, r.GetGossipAddr())
	}
	routers, err := c.registry.Routers(ctx)
	if err != nil {
		return nil
	}
	for _, r := range routers {
		out = append(out, r.GetGossipAddr())
	}
	coordinators, err := c.registry.Coordinators(ctx)
	if err != nil {
		return nil
	}
	for _, r := range coordinators {
		out = append(out, r.GetGossipAddr())
	}
	return slices.DeleteFunc(out, func(addr string) bool { return addr == "" })
}

// leave ends the membership, then the connection to etcd.
func (c *clusterConn) leave(logger *slog.Logger) {
	c.registry.Close()
	if c.client == nil {
		return
	}
	if err := c.gossip.Leave(); err != nil {
		logger.Debug("gossip leave", "err", err)
	}
	c.client.Close()
}
