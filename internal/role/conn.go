package role

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/etcdstore"
	"github.com/hachi-serve/hachi/internal/cluster/gossip"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/cluster/sealed"
)

// clusterConn connects a process to its cluster. A role that shares its process
// with the others has a registry only.
type clusterConn struct {
	client   *etcdstore.Store
	registry *registry.Registry
	gossip   *gossip.Member
	name     *registry.Name
	cluster  string
}

// gossipAddr is the address for the role's record.
func (c *clusterConn) gossipAddr() string {
	if c.gossip == nil {
		return ""
	}
	return c.gossip.Addr()
}

// join connects to etcd, claims the process's name and joins the gossip.
func join(cfg ClusterConfig, by *security, role string, changed func(gossip.Change)) (*clusterConn, error) {
	options := registry.Options{TTL: cfg.TTL, Logger: cfg.Logger}
	if p := cfg.InProcess; p != nil {
		return &clusterConn{registry: registry.New(p.Store, registry.Prefix(cfg.Cluster), options)}, nil
	}
	client, err := etcdstore.Dial(cfg.Etcd, by.etcdCredentials(), cfg.Logger)
	if err != nil {
		return nil, err
	}
	c := &clusterConn{client: client, registry: registry.New(sealed.New(client, by.source), registry.Prefix(cfg.Cluster), options), cluster: cfg.Cluster}
	named := make(chan struct{})
	c.gossip, err = gossip.Start(gossip.Config{
		Name: cfg.ID, Role: role, Label: cmp.Or(cfg.GossipLabel, cfg.Cluster), Bind: cfg.Gossip, Advertise: cfg.AdvertiseGossip,
		Keys: by.gossip, Seeds: c.seedsAfter(named), OnChange: changed, Logger: cfg.Logger,
	})
	if err != nil {
		client.Close()
		return nil, err
	}
	mine := Holder(c.gossipAddr())
	if c.name, err = c.registry.Claim(context.Background(), role, cfg.ID, mine, HasEnded(mine)); err != nil {
		c.leave(cfg.Logger)
		return nil, err
	}
	close(named)
	return c, nil
}

// seedsAfter returns no seeds until the process has its name: a process that is
// refused does not enter the gossip of the cluster.
func (c *clusterConn) seedsAfter(named <-chan struct{}) func(context.Context) []string {
	return func(ctx context.Context) []string {
		select {
		case <-named:
		case <-ctx.Done():
			return nil
		}
		if c.name.Wait(ctx) != nil {
			return nil
		}
		return c.seeds(ctx)
	}
}

// named returns when the process has its name. A name that another process holds
// is a *ConfigError.
func (c *clusterConn) named(ctx context.Context) error {
	err := c.name.Wait(ctx)
	if taken := new(registry.NameError); errors.As(err, &taken) {
		return &ConfigError{Err: fmt.Errorf("cluster %s: %w; stop that process, or give this one another --id or --cluster", c.cluster, err)}
	}
	return err
}

// unlessRefused returns a context for serving that also ends when the process's name is
// refused: the APIs answer while etcd is away. end ends the context, and returns why the
// name was refused, if it was.
func (c *clusterConn) unlessRefused(ctx context.Context) (serving context.Context, end func() error) {
	serving, cancel := context.WithCancel(ctx)
	refused := make(chan error, 1)
	go func() {
		err := c.named(serving)
		if serving.Err() != nil {
			err = nil
		}
		if err != nil {
			cancel()
		}
		refused <- err
	}()
	return serving, func() error {
		cancel()
		return <-refused
	}
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
	gateways, err := c.registry.Gateways(ctx)
	if err != nil {
		return nil
	}
	for _, r := range gateways {
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
	if c.client == nil {
		c.registry.Close()
		return
	}
	if err := c.name.Release(context.Background()); err != nil {
		logger.Debug("the name is not given back, its lease ends by itself", "err", err)
	}
	c.registry.Close()
	if err := c.gossip.Leave(); err != nil {
		logger.Debug("gossip leave", "err", err)
	}
	c.client.Close()
}
