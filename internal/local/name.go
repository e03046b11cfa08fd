package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/etcdstore"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/role"
)

// nameFile keeps the name of a cluster in an external etcd from run to run.
const nameFile = "cluster-name"

// clusterName is the configured name, or the one that the data directory keeps.
func clusterName(c UpConfig) (string, error) {
	switch {
	case c.Cluster != "":
		return c.Cluster, nil
	case len(c.Etcd) == 0:
		return registry.DefaultCluster, nil
	}
	path := filepath.Join(c.DataDir, nameFile)
	raw, err := os.ReadFile(path)
	if name := strings.TrimSpace(string(raw)); err == nil && name != "" {
		return name, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("data directory: %w", err)
	}
	name := "up-" + strings.ToLower(rand.Text()[:nameLetters])
	if err := os.WriteFile(path, []byte(name+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	return name, nil
}

// nameLetters of 5 bits each: no two clusters of an etcd will draw the same.
const nameLetters = 10

// claim is the hold of a `hachi up` on the name of its cluster.
type claim struct {
	store    *etcdstore.Store
	registry *registry.Registry
	name     *registry.Name
}

// upRole is the role under which `hachi up` claims its cluster.
const upRole = "up"

// etcdWithin bounds the wait for an external etcd.
const etcdWithin = 10 * time.Second

// claimCluster claims a cluster in an external etcd, so that a second `hachi up`
// with the same name is refused before it starts a process. The claim is not sealed:
// another `hachi up` has another authority, and must see it.
func (of *Cluster) claimCluster(ctx context.Context) (*claim, error) {
	cfg, cluster := of.cfg, of.name
	where, err := of.Where()
	if err != nil {
		return nil, err
	}
	store, err := where.Store(quiet(cfg.Logger))
	if err != nil {
		return nil, err
	}
	c := &claim{store: store, registry: registry.New(store, registry.Prefix(cluster), registry.Options{TTL: cfg.TTL, Logger: quiet(cfg.Logger)})}
	mine := role.Holder("")
	if c.name, err = c.registry.Claim(context.WithoutCancel(ctx), upRole, upRole, mine, role.HasEnded(mine)); err != nil {
		c.release(ctx)
		return nil, err
	}
	// The lease of a killed `hachi up` on another machine ends within its TTL.
	wait, cancel := context.WithTimeout(ctx, etcdWithin+cfg.TTL)
	defer cancel()
	if err := c.name.Wait(wait); err != nil {
		c.release(ctx)
		return nil, refusal(ctx, err, cfg, cluster)
	}
	if of.authority == nil {
		return c, nil
	}
	if err := c.registry.Forget(wait); err != nil {
		c.release(ctx)
		return nil, fmt.Errorf("remove the placement of an earlier run: %w", err)
	}
	return c, nil
}

// refusal says why the name of a cluster was not given.
func refusal(ctx context.Context, err error, cfg UpConfig, cluster string) error {
	var taken *registry.NameError
	switch {
	case errors.As(err, &taken):
		return &role.ConfigError{Err: &role.FieldError{Field: "cluster", Err: fmt.Errorf("%q is in use: process %d on %s runs it since %s; stop that `hachi up`, or choose another name",
			cluster, taken.Holder.PID, taken.Holder.Host, taken.Holder.Started.Format(time.DateTime))}}
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("etcd at %s does not answer", strings.Join(cfg.Etcd, ", "))
}

// release gives the name back, and closes the connection.
func (c *claim) release(ctx context.Context) {
	if c == nil {
		return
	}
	_ = c.name.Release(ctx) // otherwise its lease ends by itself
	c.registry.Close()
	c.store.Close()
}
