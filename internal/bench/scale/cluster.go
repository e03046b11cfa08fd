package scale

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/failover"
	"github.com/hachi-serve/hachi/internal/bench/gauge"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/namespaces"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// running is a cluster that serves the cells of one group.
type running struct {
	c      Config
	up     local.UpConfig
	local  *local.Cluster
	conn   *grpc.ClientConn
	vocab  int
	config json.RawMessage
	gauge  *gauge.Gauge
	close  []func()
}

// measure starts a cluster and measures cells on it.
func (c Config) measure(ctx context.Context, cells []cell.Setting) error {
	first := cells[0]
	if c.Progress != nil {
		c.Progress("%d nodes, %d replicas, %d threads: %d cells", first.Nodes, first.Replicas, first.Threads, len(cells))
	}
	r := &running{c: c, up: c.Up}
	r.up.Nodes, r.up.Placement.Replicas, r.up.Model.Threads, r.up.Serving.MicroBatches = first.Nodes, first.Replicas, first.Threads, first.MicroBatches
	r.up.Serving.PrefixCache, r.up.Restart = false, true
	r.up.DataDir = filepath.Join(c.Up.DataDir, first.Name())
	defer r.end()
	if err := r.start(ctx, first); err != nil {
		return err
	}
	done, err := r.all(ctx, cells)
	if err != nil {
		return err
	}
	for _, one := range done {
		if err := one.Write(c.Out); err != nil {
			return err
		}
		if c.Progress != nil {
			c.Progress("%s: %.1f tokens/s, ITL %.1f ms at p50, %.1f ms at p99", one.Setting.Name(), one.Result.Throughput, one.Result.Gap.P50, one.Result.Gap.P99)
		}
	}
	return nil
}

// end stops everything, the last first.
func (r *running) end() {
	for i := len(r.close) - 1; i >= 0; i-- {
		r.close[i]()
	}
}

// start waits until the cluster serves.
func (r *running) start(ctx context.Context, s cell.Setting) (err error) {
	if r.gauge, err = gauge.New(); err != nil {
		return err
	}
	r.close = append(r.close, r.gauge.Close)
	network, err := r.separate(ctx, s)
	if err != nil {
		return err
	}
	if r.local, err = local.Up(ctx, r.up); err != nil {
		return err
	}
	r.close = append(r.close, func() { r.local.Close(context.WithoutCancel(ctx)) })
	if err := r.local.Ready(ctx); err != nil {
		return err
	}
	if err := failover.Whole(ctx, r.local, r.up); err != nil {
		return err
	}
	view, err := r.local.View(ctx)
	if err != nil {
		return err
	}
	if len(view.Routers) != 1 {
		return fmt.Errorf("%d routers are registered, want 1", len(view.Routers))
	}
	if r.conn, err = view.DialRouter(view.Routers[0]); err != nil {
		return err
	}
	r.close = append(r.close, func() { r.conn.Close() })
	opened, err := r.up.Model.Open(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer opened.Checkpoint.Close()
	r.vocab = opened.Checkpoint.Config().Vocab
	r.config = opened.Checkpoint.ConfigText()
	return r.disturb(ctx, network, s)
}

// separate gives every node a network namespace, if its packets are to be disturbed.
func (r *running) separate(ctx context.Context, s cell.Setting) (*namespaces.Network, error) {
	if s.DelayMS == 0 && s.Loss == 0 {
		return nil, nil
	}
	var names []string
	for i := range s.Nodes {
		names = append(names, fmt.Sprint("expert-", i))
	}
	n, err := namespaces.New(ctx, names...)
	if err != nil {
		return nil, err
	}
	r.close = append(r.close, func() { n.Close() })
	store, err := failover.Inhabit(ctx, n, &r.up)
	if err != nil {
		return nil, err
	}
	r.close = append(r.close, func() { store.Close() })
	return n, nil
}

// disturb delays and loses packets from now on.
func (r *running) disturb(ctx context.Context, n *namespaces.Network, s cell.Setting) error {
	if n == nil {
		return nil
	}
	for i := range s.Nodes {
		if err := n.Disturb(ctx, fmt.Sprint("expert-", i), namespaces.Wire{Delay: r.c.Delay, Loss: s.Loss}); err != nil {
			return err
		}
	}
	return nil
}

// load is that of a cell.
func (r *running) load(s cell.Setting) load {
	return load{client: hachiv1.NewInferenceServiceClient(r.conn), vocab: r.vocab, seed: r.c.Seed, setting: s}
}
