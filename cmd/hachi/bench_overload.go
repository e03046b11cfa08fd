package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/overload"
	"github.com/hachi-serve/hachi/internal/bench/serve"
	"github.com/hachi-serve/hachi/internal/local"
)

func newBenchOverload(logger loggerFunc) *cobra.Command {
	c := overload.Config{Up: local.DefaultUp()}
	var maxPrompt, maxAnswer int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "overload",
		Short: "ask a cluster for more than it can do and see that it does what it can",
		Long: `overload starts a cluster on this machine, finds what it can do at most (closed
loop), and sends a multiple of that, open loop. It is an error when goodput falls
by more than a tenth, a request fails other than with 429 and Retry-After, a
refusal takes more than a second (p99), memory grows, or a process ends.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if c.Up.Logger, err = logger(); err != nil {
				return err
			}
			c.Up.LogLevel = cmd.Flags().Lookup("log-level").Value.String()
			c.Prompt, c.Answer = serve.Conversations(maxPrompt, maxAnswer)
			return runOverload(cmd, c, asJSON)
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Up.Model, "model", "", "checkpoint directory; a tiny random model when empty")
	f.IntVar(&c.Up.Nodes, "nodes", 2, "expert-node processes")
	numericsFlags(f, &c.Up.Numerics)
	f.StringVar(&c.Up.Listen, "listen", "127.0.0.1:8088", "HTTP listener, HOST:PORT")
	f.IntVar(&c.Up.Serving.MaxSequences, "max-sequences", 16, "sequences that run at once")
	f.IntVar(&c.Up.Serving.MaxQueue, "max-queue", 4, "requests that may wait")
	f.Int64Var(&c.Up.Serving.KVBytes, "kv-bytes", 64<<20, "memory for the KV cache, bytes")
	f.IntVar(&maxPrompt, "max-prompt", 256, "longest prompt, tokens")
	f.IntVar(&maxAnswer, "max-answer", 64, "longest answer, tokens")
	f.DurationVar(&c.Objective.First, "slo-ttft", 30*time.Second, "a good answer's longest time to first token; 0 is any")
	f.DurationVar(&c.Objective.Gap, "slo-itl", 500*time.Millisecond, "a good answer's longest mean inter-token latency; 0 is any")
	f.DurationVar(&c.Settle, "settle", 15*time.Second, "closed loop before capacity counts")
	f.DurationVar(&c.Capacity, "capacity", time.Minute, "closed loop that capacity is counted over")
	f.Float64Var(&c.Factor, "factor", 3, "how many times the capacity is asked for")
	f.DurationVar(&c.For, "for", 5*time.Minute, "how long")
	f.Uint64Var(&c.Seed, "seed", 1, "same seed, same requests")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// runOverload measures in a data directory of its own.
func runOverload(cmd *cobra.Command, c overload.Config, asJSON bool) error {
	if err := ownCluster(cmd, &c.Up, "hachi-overload"); err != nil {
		return err
	}
	defer os.RemoveAll(c.Up.DataDir)
	c.Progress = func(what string) { fmt.Fprintln(cmd.ErrOrStderr(), what) }
	report, err := overload.Run(cmd.Context(), c)
	if err != nil {
		return err
	}
	if asJSON {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(report)
	} else {
		err = report.WriteText(cmd.OutOrStdout())
	}
	if err != nil {
		return err
	}
	return report.Missed()
}
