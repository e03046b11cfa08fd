package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/failover"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
)

func newBenchFailover(logger loggerFunc) *cobra.Command {
	c := failover.Config{Up: local.DefaultUp()}
	c.Up.Nodes = 4
	var fault, figure string
	var late role.LateConfig
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "failover",
		Short: "kill, stop or cut off expert nodes in the middle of streams and measure what the streams feel",
		Long: `failover starts a cluster on this machine, runs streams, disturbs one expert node
in the middle of them, and compares every token with an undisturbed run: a
failed stream or a changed token is an error. It reports the stall: a stream's
largest gap between tokens minus the undisturbed p99 inter-token latency.

The fault delay is of every node: a share of the answers is late. It compares
inter-token latency without late answers, with a router that waits for them and
with one that asks other replicas meanwhile.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if c.Up.Logger, err = logger(); err != nil {
				return err
			}
			c.Up.LogLevel, c.Fault = cmd.Flags().Lookup("log-level").Value.String(), failover.Fault(fault)
			return withFailover(cmd, c, func(c failover.Config) error {
				if fault == "delay" {
					return runDelay(cmd, c, late, asJSON)
				}
				return runFailover(cmd, c, figure, asJSON)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Up.Model, "model", "", "checkpoint directory; a tiny random model when empty")
	f.IntVar(&c.Up.Nodes, "nodes", c.Up.Nodes, "expert-node processes")
	placementFlags(f, &c.Up.Placement)
	c.Up.Placement.Replicas, f.Lookup("replicas").DefValue = 2, "2"
	f.IntVar(&c.Up.Threads, "threads", 0, "cores of each process; 0 shares the machine")
	f.StringVar(&c.Up.Listen, "listen", "127.0.0.1:8088", "HTTP listener, HOST:PORT")
	f.StringVar(&fault, "fault", string(failover.Kill), "kill (SIGKILL, started again), stop (SIGSTOP for --stop-for) drop (one node's packets vanish for --stop-for; Linux, root and ip(8)) or delay (a share of all answers is late)")
	f.Float64Var(&late.Share, "late-share", 0.01, "share of the answers that are late")
	f.DurationVar(&late.By, "late-by", 500*time.Millisecond, "by how much they are late")
	f.DurationVar(&c.StopFor, "stop-for", 5*time.Second, "how long a node is stopped or its packets vanish")
	f.IntVar(&c.Streams, "streams", 16, "streams at once")
	f.IntVar(&c.Tokens, "tokens", 64, "tokens of each stream")
	f.IntVar(&c.Repeat, "repeat", 10, "faults, one after another")
	f.Uint64Var(&c.Seed, "seed", 1, "chooses the victims")
	f.StringVar(&figure, "figure", "", "file for an SVG histogram of the stalls")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// withFailover measures in a data directory of its own.
func withFailover(cmd *cobra.Command, c failover.Config, measure func(failover.Config) error) error {
	if err := ownCluster(cmd, &c.Up, "hachi-failover"); err != nil {
		return err
	}
	defer os.RemoveAll(c.Up.DataDir)
	return measure(c)
}

// runDelay measures late answers.
func runDelay(cmd *cobra.Command, c failover.Config, late role.LateConfig, asJSON bool) error {
	report, err := failover.RunDelay(cmd.Context(), failover.DelayConfig{
		Up: c.Up, Late: late, Streams: c.Streams, Tokens: c.Tokens, Repeat: c.Repeat,
		Progress: func(what string) { fmt.Fprintln(cmd.ErrOrStderr(), what) },
	})
	if err != nil {
		return err
	}
	return show(cmd, report, asJSON)
}

// runFailover measures stalls.
func runFailover(cmd *cobra.Command, c failover.Config, figure string, asJSON bool) error {
	c.Progress = func(done, all int, worst time.Duration) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d: longest stall %.1f ms\n", done, all, float64(worst)/float64(time.Millisecond))
	}
	report, err := failover.Run(cmd.Context(), c)
	if err != nil {
		return err
	}
	if figure != "" {
		if err := writeFile(figure, report.WriteFigure); err != nil {
			return err
		}
	}
	return show(cmd, report, asJSON)
}

// show prints a report for people or as JSON.
func show(cmd *cobra.Command, report fmt.Stringer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(report)
	}
	_, err := fmt.Fprint(cmd.OutOrStdout(), report)
	return err
}
