package local

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/role"
)

// Cluster is a running cluster of child processes.
type Cluster struct {
	cfg      UpConfig
	label    string // of the gossip, so that clusters on one machine never mix
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
	if c.endpoints = c.cfg.Etcd; len(c.endpoints) == 0 {
		if err := c.StartEtcd(ctx); err != nil {
			return err
		}
		if err := clearRecords(ctx, c.endpoints, c.cfg.Logger); err != nil {
			return err
		}
	}
	for _, cmd := range c.commands() {
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
		return &role.ConfigError{Err: fmt.Errorf("--listen %s: %w", listen, err)}
	}
	return l.Close()
}

func (c *Cluster) childEvent(e ChildEvent) {
	if c.cfg.Events.Child != nil {
		c.cfg.Events.Child(e)
	}
	if e.Permanent || (e.Fatal && c.cfg.Restart) {
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

// commands lists the children in the order in which they start and, reversed,
// stop.
func (c *Cluster) commands() []command {
	cfg := c.cfg
	nodeThreads, routerThreads := shareCores(cfg.Nodes, cfg.Threads)
	var out []command
	add := func(name, role string, args ...string) {
		out = append(out, c.command(name, role, args))
	}
	add("coordinator-0", "coordinator",
		"--listen", cfg.port("coordinator-0"), "--placement", cfg.Placement.Policy,
		"--replicas", strconv.Itoa(cfg.Placement.Replicas), "--expect-nodes", strconv.Itoa(cfg.Nodes))
	for i := range cfg.Nodes {
		name := "expert-" + strconv.Itoa(i)
		add(name, "expertnode",
			"--model", cfg.Model, "--quantize", cfg.Quantize, "--kv", cfg.Numerics.KV, "--inner", cfg.Numerics.Inner, "--listen", cfg.port(name), "--threads", strconv.Itoa(nodeThreads),
			"--late-share", strconv.FormatFloat(cfg.Late.Share, 'g', -1, 64), "--late-by", cfg.Late.By.String())
	}
	router := []string{
		"--model", cfg.Model, "--quantize", cfg.Quantize, "--kv", cfg.Numerics.KV, "--inner", cfg.Numerics.Inner, "--listen", cfg.Listen, "--grpc", cfg.port("router-0"),
		"--threads", strconv.Itoa(routerThreads), "--model-name", cfg.Serving.ModelName,
		"--kv-bytes", strconv.FormatInt(cfg.Serving.KVBytes, 10),
		"--max-sequences", strconv.Itoa(cfg.Serving.MaxSequences),
		"--max-queue", strconv.Itoa(cfg.Serving.MaxQueue), "--prefix-cache=" + strconv.FormatBool(cfg.Serving.PrefixCache),
		"--micro-batches", strconv.Itoa(cfg.Serving.MicroBatches), "--speculate", strconv.Itoa(cfg.Serving.Speculate),
		"--request-deadline", cfg.Serving.RequestDeadline.String(), "--patient=" + strconv.FormatBool(cfg.Patient),
	}
	for _, a := range cfg.Serving.Attributes {
		router = append(router, "--attribute", a)
	}
	add("router-0", "router", router...)
	return out
}

func (c *Cluster) command(name, role string, args []string) command {
	shared := []string{
		role, "--id", name, "--etcd", strings.Join(c.endpoints, ","), "--gossip", c.cfg.port(name),
		"--gossip-label", c.label, "--lease-ttl", c.cfg.TTL.String(), "--log-level", c.cfg.LogLevel,
	}
	words := slices.Concat(c.cfg.Elsewhere[name].Enter, []string{c.cfg.Binary}, shared, args)
	return command{
		name: name, bin: words[0], args: words[1:], env: c.cfg.BinaryEnv,
		log: filepath.Join(c.cfg.DataDir, "logs", name+".log"), life: c.lifeR,
	}
}

// port is a free port on the address a child listens on.
func (c UpConfig) port(name string) string {
	return net.JoinHostPort(cmp.Or(c.Elsewhere[name].Host, c.Host, "127.0.0.1"), "0")
}

// shareCores gives the router every core, because it waits while the nodes
// compute, and divides the cores over the nodes, at least one each.
func shareCores(nodes, threads int) (perNode, router int) {
	if threads > 0 {
		return threads, threads
	}
	cores := runtime.GOMAXPROCS(0)
	return max(1, cores/nodes), cores
}

// RouterThreads is how many cores the router gets.
func (c UpConfig) RouterThreads() int {
	_, router := shareCores(c.Nodes, c.Threads)
	return router
}

// Failed delivers the reason when a role cannot run at all.
func (c *Cluster) Failed() <-chan error { return c.failed }

// URL is the base of the HTTP API.
func (c *Cluster) URL() string { return "http://" + c.cfg.Listen }

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
	c.StopEtcd()
	for _, f := range []*os.File{c.lifeW, c.lifeR, c.lock} {
		if f != nil {
			f.Close()
		}
	}
	os.Remove(c.runFile())
}

func roleOf(name string) string {
	role, _, _ := strings.Cut(name, "-")
	return role
}

// Ready waits until the router serves, a role fails for good, or ctx ends.
func (c *Cluster) Ready(ctx context.Context) error {
	watch, stop := context.WithCancel(ctx)
	defer stop()
	if c.cfg.Events.Progress != nil {
		go c.reportProgress(watch)
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
