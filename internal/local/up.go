package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/role"
)

// Cluster is a running cluster of child processes.
type Cluster struct {
	cfg      UpConfig
	name     string // of the cluster in etcd
	label    string // of the gossip, so that clusters on one machine never mix
	claim    *claim // of the name; nil in the embedded etcd, which is of this cluster only
	lock     *os.File
	lifeR    *os.File // children inherit it
	lifeW    *os.File // its end is the children's end
	failed   chan error
	children []*Child

	mu   sync.Mutex // guards etcd
	etcd *etcd.Server
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
	if err != nil {
		return nil, &role.ConfigError{Err: err}
	}
	c := &Cluster{cfg: cfg, label: "up-" + rand.Text(), lock: lock, failed: make(chan error, 1)}
	if err := c.start(ctx); err != nil {
		c.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	if err := freePort(c.cfg.Listen); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(c.cfg.DataDir, "logs"), 0o755); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	var err error
	if c.lifeR, c.lifeW, err = os.Pipe(); err != nil {
		return fmt.Errorf("pipe to the children: %w", err)
	}
	if c.name, err = clusterName(c.cfg); err != nil {
		return err
	}
	if c.endpoints = c.cfg.Etcd; len(c.endpoints) == 0 {
		if err := c.StartEtcd(ctx); err != nil {
			return err
		}
		if err := clearRecords(ctx, c.endpoints, c.name, c.cfg.Logger); err != nil {
			return err
		}
	} else if c.claim, err = claimCluster(ctx, c.cfg, c.name); err != nil {
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

// freePort says early, and by name, that the fixed port is taken.
func freePort(listen string) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return &role.ConfigError{Err: &role.FieldError{Field: "listen", Err: err}}
	}
	return l.Close()
}

func (c *Cluster) childEvent(e ChildEvent) {
	if c.cfg.Events.Child != nil {
		c.cfg.Events.Child(e)
	}
	if e.ConfigError || (e.Fatal && c.cfg.Restart) {
		select {
		case c.failed <- fmt.Errorf("a role cannot run: %w", orExited(e)):
		default:
		}
	}
}

func orExited(e ChildEvent) error {
	if e.Err != nil {
		return e.Err
	}
	return fmt.Errorf("%s exited", e.Name)
}

// Failed delivers the reason when a role cannot run at all.
func (c *Cluster) Failed() <-chan error { return c.failed }

// URL is the base of the HTTP API.
func (c *Cluster) URL() string { return "http://" + c.cfg.Listen }

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

// StartEtcd starts the embedded etcd, on the ports it had before if it ran
// before.
func (c *Cluster) StartEtcd(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cfg := etcd.Config{Dir: filepath.Join(c.cfg.DataDir, "etcd")}
	if len(c.endpoints) > 0 {
		cfg.ClientAddr = c.endpoints[0]
	}
	server, err := etcd.Start(ctx, cfg)
	if err != nil {
		return fmt.Errorf("embedded etcd: %w", err)
	}
	c.etcd, c.endpoints = server, server.Endpoints()
	return nil
}

// StopEtcd stops the embedded etcd; its data stays.
func (c *Cluster) StopEtcd() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.etcd != nil {
		c.etcd.Close()
		c.etcd = nil
	}
}

// Close stops the children, router first and coordinator last, then etcd.
func (c *Cluster) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*stopGrace)
	defer cancel()
	for i := len(c.children) - 1; i >= 0; {
		// All expert nodes stop together; the roles stop one after another.
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

// Ready waits until the router serves, a role fails for good, or ctx ends.
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
			if ready(ctx, c.URL()) {
				return nil
			}
		}
	}
}
