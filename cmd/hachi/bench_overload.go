package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/overload"
	"github.com/hachi-serve/hachi/internal/bench/serve"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
)

func newBenchOverload() *cobra.Command {
	c := overload.Config{Up: local.DefaultUp()}
	c.Up.Nodes, c.Up.Listen = 2, "127.0.0.1:8088"
	c.Up.Serving.MaxSequences, c.Up.Serving.MaxQueued, c.Up.Serving.KVCacheMemory = 16, 4, 64*role.Mi
	var maxPrompt, maxAnswer int
	var out printer
	cmd := &cobra.Command{
		Use:   "overload",
		Short: "offer a cluster more load than its capacity and check its goodput",
		Long: `overload starts a cluster on this machine, measures its capacity (closed loop),
and sends a multiple of that, open loop. It is an error when goodput falls
by more than a tenth, a request fails other than with 429 and Retry-After, a
refusal takes more than a second (p99), memory grows, or a process ends.`,
		Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.Prompt, c.Answer = serve.Conversations(maxPrompt, maxAnswer)
			return runOverload(cmd, c, out)
		},
	}
	f := configFlags{cmd.Flags()}
	logLevelFlag(f, &c.Up.LogLevel)
	benchModelFlags(f, &c.Up.Model)
	f.integer("nodes", "nodes", &c.Up.Nodes, "expert-node processes")
	numericsFlags(f, &c.Up.Model.Numerics)
	f.text("listen", "listen", &c.Up.Listen, "HTTP listener, HOST:PORT")
	kvCacheFlags(f, &c.Up.Serving)
	f.IntVar(&maxPrompt, "max-prompt", 256, "maximum prompt, tokens")
	f.IntVar(&maxAnswer, "max-answer", 64, "maximum answer, tokens")
	f.DurationVar(&c.Objective.First, "slo-ttft", 30*time.Second, "maximum time to first token of a good answer; 0 is any")
	f.DurationVar(&c.Objective.Gap, "slo-itl", 500*time.Millisecond, "maximum mean inter-token latency of a good answer; 0 is any")
	f.DurationVar(&c.Settle, "settle", 15*time.Second, "closed loop before capacity counts")
	f.DurationVar(&c.Capacity, "capacity", time.Minute, "closed loop that capacity is counted over")
	f.Float64Var(&c.Factor, "factor", 3, "offered load as a multiple of the capacity")
	f.DurationVar(&c.For, "for", 5*time.Minute, "duration of the overload")
	f.Uint64Var(&c.Seed, "seed", 1, "same seed, same requests")
	out.register(cmd)
	return cmd
}

// runOverload measures in a data directory of its own.
func runOverload(cmd *cobra.Command, c overload.Config, out printer) error {
	if err := ownCluster(cmd, &c.Up, "hachi-overload"); err != nil {
		return err
	}
	defer os.RemoveAll(c.Up.DataDir)
	c.Progress = func(what string) { fmt.Fprintln(cmd.ErrOrStderr(), what) }
	report, err := overload.Run(cmd.Context(), c)
	if err != nil {
		return err
	}
	if err := out.print(cmd, report); err != nil {
		return err
	}
	return report.Missed()
}
