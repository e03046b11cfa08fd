package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/numa"
	"github.com/hachi-serve/hachi/internal/role"
)

// Cluster is a running cluster of child processes.
type Cluster struct {
	cfg   UpConfig
	name  string // of the cluster in etcd
	label string // of the gossip, so that clusters on one machine never mix
	claim *claim // of the name; nil in the embedded etcd, which is of this cluster only
	lock  *os.File
	// authority issues the certificates; nil in plaintext.
	authority *authority
	lifeR     *os.File // children inherit it
	lifeW     *os.File // its end is the children's end
	failed    chan error
	children  []*Child
	ports     keptPorts
	memory    []numa.Node // of the machine, which expert nodes are bound to; nil binds none

	mu   sync.Mutex // guards etcd
	etcd *Child     // nil while it is stopped
	// endpoints stays the same when the embedded etcd is stopped and started.
	endpoints []string
}

// Up starts the cluster's processes and returns at once; Ready waits until it
// serves. ctx bounds the start only.
func Up(ctx context.Context, cfg UpConfig) (*Cluster, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	lock, err := lockDir(cfg.DataDir)
	if full := explainDisk(err, cfg.DataDir); errors.Is(full, errDiskFull) {
		return nil, full
	}
	if err != nil {
		return nil, &role.ConfigError{Err: &role.FieldError{Field: "dataDir", Err: err}}
	}
	c := &Cluster{cfg: cfg, label: "up-" + rand.Text(), lock: lock, failed: make(chan error, 1)}
	if cfg.NUMA == NUMAAuto && !cfg.sharesCores() {
		c.memory, _, _ = numa.Here()
	}
	if err := c.start(ctx); err != nil {
		c.Close(context.WithoutCancel(ctx))
		return nil, explainDisk(err, cfg.DataDir)
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	if err := freePort(c.cfg.Listen); err != nil {
		return err
	}
	if err := rotateLogs(filepath.Join(c.cfg.DataDir, "logs")); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	var err error
	if c.lifeR, c.lifeW, err = os.Pipe(); err != nil {
		return fmt.Errorf("pipe to the children: %w", err)
	}
	if c.name, err = clusterName(c.cfg); err != nil {
		return err
	}
	if !c.cfg.Security.Plaintext {
		if c.authority, err = newAuthority(c.cfg, c.name); err != nil {
			return err
		}
	}
	if c.endpoints = c.cfg.Etcd; len(c.endpoints) == 0 {
		if err := c.StartEtcd(ctx); err != nil {
			return err
		}
		if err := c.clearRecords(ctx); err != nil {
			return err
		}
	} else if c.claim, err = c.claimCluster(ctx); err != nil {
		return err
	}
	commands, err := c.commands()
	if err != nil {
		return err
	}
	for _, cmd := range commands {
		child, err := startChild(cmd, c.cfg.Restart, c.childEvent)
		if err != nil {
			return err
		}
		c.children = append(c.children, child)
	}
	return c.writeRunFile()
}

func (c *Cluster) childEvent(e ChildEvent) {
	if c.cfg.Events.Child != nil {
		c.cfg.Events.Child(e)
	}
	var failed error
	switch limit := c.cfg.MaxFailures; {
	case e.ConfigError:
		failed = &role.ConfigError{Err: orExited(e)}
	case limit > 0 && e.InARow >= limit:
		failed = fmt.Errorf("%w (%d times in a row)", orExited(e), e.InARow)
	default:
		return
	}
	select {
	case c.failed <- failed:
	default:
	}
}

func orExited(e ChildEvent) error {
	if e.Err != nil {
		return e.Err
	}
	return fmt.Errorf("%s exited", e.Name)
}

// Failed delivers the faults of a role that cannot run at all, a *role.ConfigError, or
// that has failed UpConfig.MaxFailures times in a row.
func (c *Cluster) Failed() <-chan error { return c.failed }

// URL is the base of the HTTP API.
func (c *Cluster) URL() string {
	if c.cfg.Security.HTTPCertificates != "" {
		return "https://" + c.cfg.Listen
	}
	return "http://" + c.cfg.Listen
}

// Name is the cluster's name in etcd.
func (c *Cluster) Name() string { return c.name }

// Endpoints are the etcd endpoints the cluster uses.
func (c *Cluster) Endpoints() []string { return c.endpoints }

// Child finds a child by name, for example "expert-0"; nil if there is none.
func (c *Cluster) Child(name string) *Child {
	for _, child := range c.children {
		if child.Name() == name {
			return child
		}
	}
	return nil
}

// Close stops the children, gateway and routers first and coordinator last, then
// etcd.
func (c *Cluster) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*stopGrace)
	defer cancel()
	for i := len(c.children) - 1; i >= 0; {
		// All processes of a role stop together; the roles stop one after another.
		var wg sync.WaitGroup
		role := roleOf(c.children[i].Name())
		for ; i >= 0 && roleOf(c.children[i].Name()) == role; i-- {
			child := c.children[i]
			wg.Go(func() { child.Stop(ctx) })
		}
		wg.Wait()
	}
	c.claim.release(ctx)
	c.StopEtcd()
	c.authority.close()
	if err := c.ports.close(); err != nil {
		quiet(c.cfg.Logger).Debug("kept ports", "err", err)
	}
	for _, f := range []*os.File{c.lifeW, c.lifeR, c.lock} {
		if f != nil {
			f.Close()
		}
	}
	c.removeRunFile()
}

func roleOf(name string) string {
	role, _, _ := strings.Cut(name, "-")
	return role
}

// Ready waits until the router, or the gateway, serves and is seen by those who read the
// records, a role fails for good, or ctx ends.
func (c *Cluster) Ready(ctx context.Context) error {
	var reports sync.WaitGroup
	defer reports.Wait()
	watch, stop := context.WithCancel(ctx)
	defer stop()
	if c.cfg.Events.Progress != nil {
		reports.Go(func() { c.reportProgress(watch) })
	}
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case err := <-c.failed:
			return err
		case <-ctx.Done():
			return fmt.Errorf("the cluster is not ready: %w", errors.Join(ctx.Err(), c.lastWords()))
		case <-poll.C:
			if ready(ctx, c.URL()) && c.hasRouter(ctx) {
				return nil
			}
		}
	}
}

// hasRouter reports whether a router is registered: it may serve a moment before.
func (c *Cluster) hasRouter(ctx context.Context) bool {
	view, err := c.View(ctx)
	return err == nil && len(view.Routers) > 0
}
