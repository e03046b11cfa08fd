package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

func newUp() *cobra.Command {
	cfg := local.DefaultUp()
	var readyTimeout time.Duration
	cmd := &cobra.Command{
		Use:   "up",
		Short: "start a whole cluster on this machine and serve a model",
		Long: `up starts etcd, a coordinator, N expert-node processes and a router, and serves
until it is interrupted. Without --model it serves hachi-mini, a small model that
is part of hachi and speaks English and Japanese, so that everything can be tried
with nothing downloaded.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := readConfigFile(cmd, &cfg); err != nil {
				return err
			}
			if cfg.Logger, err = newLogger(cfg.LogLevel); err != nil {
				return err
			}
			return up(cmd.Context(), cfg, readyTimeout, cmd.OutOrStdout())
		},
	}
	upFlags(cmd, &cfg)
	cmd.Flags().DurationVar(&readyTimeout, "ready-timeout", 10*time.Minute, "maximum time to wait until the model is loaded")
	return cmd
}

func upFlags(cmd *cobra.Command, c *local.UpConfig) {
	f := configFlags{cmd.Flags()}
	configFileFlag(cmd.Flags())
	logLevelFlag(f, &c.LogLevel)
	modelFlags(f, &c.Model)
	f.Lookup("model").Usage = modelUsage
	f.integer("nodes", "nodes", &c.Nodes, "expert-node processes")
	placementFlags(f, &c.Placement)
	servingFlags(f, &c.Serving)
	f.text("listen", "listen", &c.Listen, "HTTP listener, the only fixed port, HOST:PORT")
	f.text("data-dir", "dataDir", &c.DataDir, "etcd's data and logs; a directory per --listen in the user's cache when empty")
	f.list("etcd", "etcd", &c.Etcd, "external etcd endpoints, HOST:PORT,...; embedded when empty")
	f.text("cluster", "cluster", &c.Cluster, "name of the cluster in etcd; with --etcd a name of its own when empty, kept in the data directory")
	f.duration("lease-ttl", "leaseTTL", &c.TTL, leaseUsage)
	f.boolean("restart", "restart", &c.Restart, "restart dead processes")
}

const modelUsage = "checkpoint directory; hachi-mini, which is part of hachi, when empty"

// up runs a cluster until ctx ends.
func up(ctx context.Context, cfg local.UpConfig, readyTimeout time.Duration, out io.Writer) error {
	var err error
	if cfg.Binary, err = os.Executable(); err != nil {
		return err
	}
	named := cfg.Model.Dir // a path, or by mistake the name of a model on a hub
	if err := completeUp(&cfg); err != nil {
		return err
	}
	if err := makeDefaultModel(cfg, out); err != nil {
		return err
	}
	if err := checkpoint.Diagnose(cmp.Or(named, cfg.Model.Dir)); err != nil {
		return &role.ConfigError{Err: &role.FieldError{Field: "model.dir", Err: err}}
	}
	p := &progress{out: out, logger: cfg.Logger}
	cfg.Events = local.UpEvents{Progress: p.report, Child: p.child}
	cluster, err := local.Up(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() {
		fmt.Fprintln(out, "stopping")
		cluster.Close(context.WithoutCancel(ctx))
	}()
	readyCtx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := cluster.Ready(readyCtx); err != nil {
		return err
	}
	p.finish()
	if err := announce(ctx, cluster, cfg, out); err != nil {
		return err
	}
	if err := greet(out, cluster, cfg); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-cluster.Failed():
		return err
	}
}

// announce prints the placement and the URL.
func announce(ctx context.Context, cluster *local.Cluster, cfg local.UpConfig, out io.Writer) error {
	view, err := status.ReadView(ctx, cluster.Endpoints(), cluster.Name())
	if err != nil {
		return err
	}
	seen, err := view.AskStatus(ctx)
	status.Print(out, status.Describe(view, seen, err))
	_, err = fmt.Fprintf(out, "\nserving %s at %s\n", filepath.Base(cfg.Model.Dir), cluster.URL())
	return err
}

// progress prints how loading goes, a line per change.
type progress struct {
	out    io.Writer
	logger *slog.Logger

	mu   sync.Mutex // guards last and done
	last string
	done bool
}

func (p *progress) report(nodes, resident, wanted int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := fmt.Sprintf("%d nodes, %d of %d experts loaded", nodes, resident, wanted)
	if p.done || wanted == 0 || line == p.last {
		return
	}
	p.last = line
	fmt.Fprintln(p.out, line)
}

func (p *progress) child(e local.ChildEvent) {
	text := e.Name + " ended"
	if e.Err != nil {
		text = strings.TrimSpace(e.Err.Error())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.out, text)
}

func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = true
}
