package hachi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/cluster/etcdstore"
	"github.com/hachi-serve/hachi/internal/cluster/memory"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/transport/inproc"
)

// Cluster is a running cluster.
type Cluster struct {
	cfg      Config
	store    *memory.Store
	registry *registry.Registry
	network  *inproc.Network
	http     *http.Client
	scheme   string // of the coordinator's URL
	url      string // of the router
	leader   string // address of the coordinator

	coordinator *task
	router      *task
	up          *task            // `hachi up`, which runs every role, with Config.Binary
	etcd        *etcdstore.Store // of the processes
	failed      chan error       // the first role that ended by itself
	closed      sync.Once

	mu    sync.Mutex // guards nodes
	nodes map[string]*task
}

// task is a role that runs.
type task struct {
	stop context.CancelCauseFunc
	done chan struct{}
}

// end stops a role and waits for its end. A nil task has ended.
func (t *task) end(cause error) {
	if t == nil {
		return
	}
	t.stop(cause)
	<-t.done
}

// Start starts a cluster and returns when every expert has its replicas and the
// router accepts requests. ctx bounds the start only.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Cluster{
		cfg: cfg, store: memory.New(), network: inproc.NewNetwork(), nodes: map[string]*task{}, failed: make(chan error, 1),
		scheme: "http://", http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// clusterName is the name of every cluster in its own store, the default of
// `hachi up` too.
const clusterName = "hachi"

// start starts the roles where the configuration wants them and waits until the
// cluster serves.
func (c *Cluster) start(ctx context.Context) error {
	if c.cfg.Binary == "" {
		c.registry = registry.New(c.store, registry.Prefix(clusterName), registry.Options{TTL: c.cfg.LeaseTTL, Logger: c.cfg.Logger})
		c.startRoles(context.WithoutCancel(ctx))
	} else if err := c.startProcesses(ctx); err != nil {
		return err
	}
	return c.ready(ctx)
}

// nodeName is the name of a node, as `hachi up` names it.
func nodeName(i int) string { return fmt.Sprintf("expert-%d", i) }

func (c *Cluster) startRoles(ctx context.Context) {
	c.coordinator = c.run(ctx, "coordinator-0", func(ctx context.Context) error { return role.RunCoordinator(ctx, c.coordinatorConfig()) })
	for i := range c.cfg.Nodes {
		id := nodeName(i)
		c.nodes[id] = c.run(ctx, id, func(ctx context.Context) error { return role.RunExpertNode(ctx, c.nodeConfig(id)) })
	}
	c.router = c.run(ctx, "router-0", func(ctx context.Context) error { return role.RunRouter(ctx, c.routerConfig()) })
}

// run runs a role until it is stopped.
func (c *Cluster) run(ctx context.Context, id string, run func(context.Context) error) *task {
	ctx, stop := context.WithCancelCause(ctx)
	t := &task{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(t.done)
		if err := run(ctx); err != nil && (ctx.Err() == nil || errors.Is(err, errDied)) {
			select {
			case c.failed <- fmt.Errorf("%s: %w", id, err):
			default:
			}
		}
	}()
	return t
}

// Close stops the router, the nodes and the coordinator. Running answers have
// some seconds to finish. A process that does not stop is killed. A second Close
// does nothing.
func (c *Cluster) Close() (err error) {
	c.closed.Do(func() {
		c.http.CloseIdleConnections()
		c.router.end(nil)
		c.up.end(nil)
		c.mu.Lock()
		nodes := c.nodes
		c.nodes = nil
		c.mu.Unlock()
		for _, n := range nodes {
			n.stop(nil)
		}
		for _, n := range nodes {
			<-n.done
		}
		c.coordinator.end(nil)
		if c.etcd != nil {
			err = c.etcd.Close()
		}
	})
	select {
	case failed := <-c.failed:
		return errors.Join(failed, err)
	default:
		return err
	}
}

// URL is the base of the HTTP API.
func (c *Cluster) URL() string { return c.url }

// Client calls the cluster's router and coordinator.
func (c *Cluster) Client() *client.Client {
	return &client.Client{URL: c.url, Coordinator: c.scheme + c.leader, HTTP: c.http}
}
