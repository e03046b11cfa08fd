package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/hostile"
	"github.com/hachi-serve/hachi/internal/bench/serve"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
)

func newBenchHostile() *cobra.Command {
	c := hostile.Config{Up: local.DefaultUp()}
	c.Up.Nodes, c.Up.Listen, c.Up.Serving.KVCacheMemory = 2, "127.0.0.1:8087", 64*role.Mi
	c.Workload = serve.Workload{Rate: 100, Arrival: serve.Poisson}
	c.Workload.Prompt, c.Workload.Answer = serve.Conversations(256, 64)
	var out printer
	cmd := &cobra.Command{
		Use:   "hostile",
		Short: "send a router the largest bodies it reads and check what others notice",
		Long: `hostile starts a cluster on this machine, keeps clients in a closed loop, and sends
bodies of 8 MiB that cost much before they are admitted, many at once, after each
of them once by itself. It is an error when a request of another client fails, the
p99 of theirs more than doubles, the router has more than 512 MiB beside its KV
cache, or its memory does not come back within a tenth.`,
		Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return runHostile(cmd, c, out) },
	}
	f := configFlags{cmd.Flags()}
	logLevelFlag(f, &c.Up.LogLevel)
	benchModelFlags(f, &c.Up.Model)
	f.integer("nodes", "nodes", &c.Up.Nodes, "expert-node processes")
	f.text("listen", "listen", &c.Up.Listen, "HTTP listener, HOST:PORT")
	kvCacheFlags(f, &c.Up.Serving)
	f.IntVar(&c.Clients, "clients", 4, "clients in a closed loop")
	f.IntVar(&c.AtOnce, "at-once", 12, "hostile bodies at once")
	f.DurationVar(&c.Pause, "pause", 3*time.Second, "pause between the last answer to hostile bodies and the next of them")
	f.DurationVar(&c.Phase, "phase", 30*time.Second, "duration without hostile bodies, and then with them")
	f.DurationVar(&c.Settle, "settle", 30*time.Second, "duration before the first phase and after the last")
	f.Uint64Var(&c.Workload.Seed, "seed", 1, "same seed, same requests")
	out.register(cmd)
	return cmd
}

// runHostile measures in a data directory of its own.
func runHostile(cmd *cobra.Command, c hostile.Config, out printer) error {
	if err := ownCluster(cmd, &c.Up, "hachi-hostile"); err != nil {
		return err
	}
	defer os.RemoveAll(c.Up.DataDir)
	c.Progress = func(what string) { fmt.Fprintln(cmd.ErrOrStderr(), what) }
	report, err := hostile.Run(cmd.Context(), c)
	if err != nil {
		return err
	}
	if err := out.print(cmd, report); err != nil {
		return err
	}
	return report.Missed()
}
