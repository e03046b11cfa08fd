package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/share"
	"github.com/hachi-serve/hachi/internal/local"
)

func newBenchShare() *cobra.Command {
	c := share.Config{Up: local.DefaultUp()}
	c.Up.Nodes, c.Up.Listen, c.ListenOther = 2, "127.0.0.1:8091", "127.0.0.1:8092"
	var out printer
	cmd := &cobra.Command{
		Use:   "share",
		Short: "load two clusters at once on this machine, with and without one budget of cores",
		Long: `share loads one cluster alone, two at once, and two at once whose processes share
one budget of cores (--core-budget of hachi up). It reports the tokens per second of each,
and how many threads of their processes want a core for every core: those that run and
those that are ready and wait, by the kernel's account (Linux).`,
		Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runShare(cmd, c, out)
		},
	}
	f := configFlags{cmd.Flags()}
	logLevelFlag(f, &c.Up.LogLevel)
	benchModelFlags(f, &c.Up.Model)
	numericsFlags(f, &c.Up.Model.Numerics)
	f.integer("nodes", "nodes", &c.Up.Nodes, "expert-node processes of each cluster")
	threadsFlag(f, &c.Up.Model.Threads)
	f.text("listen", "listen", &c.Up.Listen, "HTTP listener of the first cluster, HOST:PORT")
	f.text("listen-other", "listen", &c.ListenOther, "HTTP listener of the second cluster, HOST:PORT")
	f.StringVar(&c.BudgetDir, "budget-dir", "/dev/shm", "directory in shared memory for the budget")
	f.IntVar(&c.Streams, "streams", 8, "answers of each cluster that are written at once")
	f.IntVar(&c.Prompt, "prompt", 16, "prompt, tokens")
	f.IntVar(&c.Answer, "answer", 64, "answer, tokens")
	f.DurationVar(&c.Settle, "settle", 3*time.Second, "load before a turn counts")
	f.DurationVar(&c.For, "for", 10*time.Second, "duration of a turn")
	f.IntVar(&c.Rounds, "rounds", 3, "repetitions; medians are reported")
	out.register(cmd)
	return cmd
}

// runShare measures in a data directory of its own.
func runShare(cmd *cobra.Command, c share.Config, out printer) error {
	if err := ownCluster(cmd, &c.Up, "hachi-share"); err != nil {
		return err
	}
	defer os.RemoveAll(c.Up.DataDir)
	c.Progress = func(s share.Scene, round int) { fmt.Fprintf(cmd.ErrOrStderr(), "round %d: %s\n", round+1, s) }
	report, err := share.Run(cmd.Context(), c)
	if err != nil {
		return err
	}
	return out.print(cmd, report)
}
