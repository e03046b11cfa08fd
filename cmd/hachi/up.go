package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/printable"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/status"
)

func newUp() *cobra.Command {
	cfg := local.DefaultUp()
	cfg.Nodes = local.DefaultNodes()
	var readyTimeout time.Duration
	cmd := &cobra.Command{
		Use:   "up",
		Short: "start a whole cluster on this machine and serve a model",
		Long: `up starts etcd, a coordinator, N expert-node processes and a router, and serves
until it is interrupted. With --routers 2 or more it also starts a gateway. Without --model it serves hachi-mini, a small model that
is part of hachi and speaks English and Japanese, so that everything can be tried
with nothing downloaded.`,
		SuggestFor: []string{"start", "serve", "run", "launch"},
		Args:       modelByFlag,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := configure(cmd, &cfg, func() error { return prepareUp(cmd.Context(), &cfg, cmd.OutOrStdout()) }); err != nil {
				return err
			}
			return unlessStopped(cmd.Context(), up(cmd.Context(), cfg, readyTimeout, cmd.OutOrStdout()))
		},
	}
	upFlags(cmd, &cfg)
	cmd.Flags().DurationVar(&readyTimeout, "ready-timeout", 10*time.Minute, "maximum time to wait until the model is loaded")
	return cmd
}

// modelByFlag refuses arguments: the model is given by a flag.
func modelByFlag(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &role.ConfigError{Err: fmt.Errorf("%q is an argument, and %s takes flags only; if it is a model, write --model %s", args[0], cmd.CommandPath(), quote(args[0]))}
}

func upFlags(cmd *cobra.Command, c *local.UpConfig) {
	f := configFlags{cmd.Flags()}
	configFileFlag(cmd.Flags())
	logLevelFlag(f, &c.LogLevel)
	tracingFlags(f, &c.Tracing)
	modelFlags(f, &c.Model)
	f.Lookup("model").Usage = modelUsage
	f.integer("nodes", "nodes", &c.Nodes, "expert-node processes; by default one for each memory node of a machine that has several, else 3")
	f.text("numa", "numa", &c.NUMA, "auto binds expert nodes in turn to the memory nodes of a machine that has several, and prefers their memory; off binds none")
	f.integer("routers", "routers", &c.Routers, "router processes; with more than 1, a gateway serves in front of them, and a router's death ends no stream")
	routerTimeoutFlag(f, "routerTimeout", &c.RouterTimeout)
	placementFlags(f, &c.Placement)
	servingFlags(f, &c.Serving)
	f.text("listen", "listen", &c.Listen, "HTTP listener, the only fixed port, HOST:PORT")
	f.text("data-dir", "dataDir", &c.DataDir, "etcd's data and logs; a directory per --listen in the user's cache when empty")
	accessFlags(f, &c.Security.AccessConfig)
	f.text("etcd-certificates", "security.etcdCertificates", &c.Security.EtcdCertificates, "directory with ca.crt, tls.crt and tls.key for an external etcd; plaintext when empty")
	f.boolean("plaintext", "security.plaintext", &c.Security.Plaintext, "make no certificates: any process of this machine may act as any role")
	f.boolean("insecure", "security.insecure", &c.Security.Insecure, insecureUsage)
	f.list("etcd", "etcd", &c.Etcd, "external etcd endpoints, HOST:PORT,...; embedded when empty")
	f.text("cluster", "cluster", &c.Cluster, "name of the cluster in etcd; with --etcd a name of its own when empty, kept in the data directory")
	f.duration("lease-ttl", "leaseTTL", &c.TTL, leaseUsage)
	f.boolean("restart", "restart", &c.Restart, "restart dead processes")
}

const modelUsage = "checkpoint directory, or the URL of one: " + urlForms + "; hachi-mini, which is part of hachi, when empty"

// up runs a cluster until ctx ends.
func up(ctx context.Context, cfg local.UpConfig, readyTimeout time.Duration, out io.Writer) error {
	if err := makeDefaultModel(cfg, out); err != nil {
		return err
	}
	logger, err := newLogger(cfg.LogLevel)
	if err != nil {
		return err
	}
	cfg.Logger = logger
	role.MeasureKernels(logger)
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

// prepareUp chooses what the configuration leaves open, and finds every fault of
// the configuration before anything is started.
func prepareUp(ctx context.Context, cfg *local.UpConfig, out io.Writer) (err error) {
	if cfg.Binary, err = os.Executable(); err != nil {
		return err
	}
	if _, temporary, err := local.UserDir(); cfg.DataDir == "" && temporary && err == nil {
		defer func() {
			if err == nil {
				fmt.Fprintf(out, "no home directory that can be written: the data is in %s; --data-dir chooses another\n", cfg.DataDir)
			}
		}()
	}
	named := cfg.Model.Dir // a path, or by mistake the name of a model on a hub
	if err := completeUp(cfg); err != nil {
		return err
	}
	faults := cfg.Validate()
	if named != "" {
		faults = errors.Join(refuseModel(ctx, role.ModelConfig{Dir: named, Source: cfg.Model.Source}, cfg.Serving.GenerationConfig), faults)
	}
	return faults
}

// refuseModel finds what the processes of a cluster would refuse in the files of a
// model.
func refuseModel(ctx context.Context, m role.ModelConfig, generationConfig string) error {
	_, ckpt, err := inspectFiles(ctx, m, generationConfig)
	if ckpt != nil {
		err = errors.Join(err, ckpt.Close())
	}
	if err == nil {
		return nil
	}
	return &role.ConfigError{Err: &role.FieldError{Field: "model.dir", Err: err}}
}

// announce prints the placement, the URL and what to do next.
func announce(ctx context.Context, cluster *local.Cluster, cfg local.UpConfig, out io.Writer) error {
	view, err := cluster.View(ctx)
	if err != nil {
		return err
	}
	seen, err := view.AskStatus(ctx)
	status.Print(out, status.Describe(view, seen, err))
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, `
serving %s at %s
%sstatus: %s
stop:   Ctrl-C here, or: kill %d
logs:   %s
%s`, filepath.Base(cfg.Model.Dir), cluster.URL(), nameConsole(cfg), statusCommand(dir, cfg.Listen), os.Getpid(), filepath.Join(dir, "logs"), askForKey(cfg))
	return err
}

// nameConsole says where the console is, if there is one.
func nameConsole(cfg local.UpConfig) string {
	scheme, key := "https", ""
	switch {
	case cfg.Security.AdminListen == "":
		return ""
	case cfg.Security.Plaintext:
		scheme = "http"
	}
	if cfg.Security.AdminKeys != "" {
		key = ", which asks for a key of " + cfg.Security.AdminKeys
	}
	return fmt.Sprintf("console: %s://%s/console%s\n", scheme, cfg.Security.AdminListen, key)
}

// askForKey says how clients send a key, where they need one.
func askForKey(cfg local.UpConfig) string {
	if cfg.Security.APIKeys == "" {
		return ""
	}
	return "key:    clients need one of " + cfg.Security.APIKeys + ": HACHI_API_KEY=KEY before the commands below\n"
}

// statusCommand is `hachi status` as it can be pasted: with the data directory
// unless the cluster is the only one, at its default place.
func statusCommand(dataDir, listen string) string {
	out := invocation(os.Args[0]) + " status"
	if usual, err := local.DataDir(listen); err != nil || dataDir != usual || !isOnly() {
		out += " --data-dir " + quote(dataDir)
	}
	return out
}

// progress prints how loading goes, a line per change.
type progress struct {
	out    io.Writer
	logger *slog.Logger

	mu    sync.Mutex // guards the fields below
	last  string
	done  bool
	ended map[string]ending // of each child
}

// ending is how a child ended last.
type ending struct {
	text  string
	times int // in a row
}

// shortRun is how long a child runs that fails at its start.
const shortRun = 5 * time.Second

func (p *progress) report(nodes, resident, wanted int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	unit := "nodes"
	if nodes == 1 {
		unit = "node"
	}
	line := fmt.Sprintf("%d %s, %d of %d experts loaded", nodes, unit, resident, wanted)
	if p.done || wanted == 0 || line == p.last {
		return
	}
	p.last = line
	fmt.Fprintln(p.out, line)
}

// child prints the end of a process. One that ends for the same reason again and again,
// soon after its start, is printed at the second time, the fourth, the eighth and so on.
// The faults of a role that cannot run are those of the command.
func (p *progress) child(e local.ChildEvent) {
	if e.ConfigError {
		return
	}
	text := e.Name + " ended"
	if e.Err != nil {
		text = printable.Indent(e.Err.Error())
	}
	if !e.Fatal {
		text += "; it is started again"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	last := p.ended[e.Name]
	if last.text != text || e.Ran >= shortRun {
		last = ending{text: text}
	}
	last.times++
	if p.ended == nil {
		p.ended = map[string]ending{}
	}
	p.ended[e.Name] = last
	switch {
	case last.times == 1:
		fmt.Fprintln(p.out, text)
	case last.times&(last.times-1) == 0:
		fmt.Fprintf(p.out, "%s (%d times in a row)\n", text, last.times)
	}
}

func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = true
}
