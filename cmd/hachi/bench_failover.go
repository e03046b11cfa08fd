package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/failover"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/transport/faulty"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
)

func newBenchFailover() *cobra.Command {
	c := failover.Config{Up: local.DefaultUp()}
	c.Up.Nodes, c.Up.Placement.Replicas, c.Up.Listen = 4, 2, "127.0.0.1:8088"
	var fault, figure string
	delay := failover.Delay{Fraction: 0.01, By: 500 * time.Millisecond}
	var out printer
	cmd := &cobra.Command{
		Use:   "failover",
		Short: "kill, stop or cut off expert nodes or routers under load and measure the stalls of streams",
		Long: `failover starts a cluster on this machine, runs streams, disturbs one expert node
in the middle of them, and compares every token with an undisturbed run: a
failed stream or a changed token is an error. It reports the stall: a stream's
largest gap between tokens minus the undisturbed p99 inter-token latency.

The faults router-kill, router-stop and router-drop are of one of two routers
behind a gateway: its answers go on at another router. The streams are HTTP
requests of every kind then, half of them streamed: sampled, several answers, log
probabilities, structured output, calls of tools, stop texts.

The fault delay is of every node: a fraction of the answers is late. It compares
inter-token latency without late answers, with a router that waits for them and
with a router that hedges them.`,
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			c.Fault = failover.Fault(fault)
			return withFailover(cmd, c, func(c failover.Config) error {
				if fault == "delay" {
					return runDelay(cmd, c, delay, out)
				}
				return runFailover(cmd, c, figure, out)
			})
		},
	}
	f := configFlags{cmd.Flags()}
	logLevelFlag(f, &c.Up.LogLevel)
	benchModelFlags(f, &c.Up.Model)
	backendFlags(f, &c.Up.Model)
	numericsFlags(f, &c.Up.Model.Numerics)
	f.integer("nodes", "nodes", &c.Up.Nodes, "expert-node processes")
	placementFlags(f, &c.Up.Placement)
	threadsFlag(f, &c.Up.Model.Threads)
	f.text("listen", "listen", &c.Up.Listen, "HTTP listener, HOST:PORT")
	f.StringVar(&fault, "fault", string(failover.Kill), "kill (SIGKILL, restarted), stop (SIGSTOP for --stop-for), drop (one node's packets vanish for --stop-for; Linux, root and ip(8)), router-kill, router-stop or router-drop (of one of two routers behind a gateway) or delay (a fraction of all answers is late)")
	delayFlags(f, &delay)
	f.DurationVar(&c.StopFor, "stop-for", 5*time.Second, "how long a process is stopped or its packets vanish")
	f.IntVar(&c.Streams, "streams", 16, "streams at once")
	f.IntVar(&c.Tokens, "tokens", 64, "tokens of each stream")
	f.IntVar(&c.Repeat, "repeat", 10, "faults, one after another")
	f.Uint64Var(&c.Seed, "seed", 1, "chooses the victims")
	f.StringVar(&figure, "figure", "", "file for an SVG histogram of the stalls")
	out.register(cmd)
	cmd.AddCommand(newDelayedNode())
	return cmd
}

func delayFlags(f configFlags, d *failover.Delay) {
	f.Float64Var(&d.Fraction, "delay-fraction", d.Fraction, "fraction of the answers that are late, with --fault delay")
	f.DurationVar(&d.By, "delay", d.By, "by how much they are late")
}

// delayedNode is the command of newDelayedNode.
var delayedNode = [...]string{"bench", "failover", "node"}

// newDelayedNode is an expert node some of whose answers are late. bench
// failover starts it.
func newDelayedNode() *cobra.Command {
	c := role.DefaultExpertNode()
	var delay failover.Delay
	c.WrapHandler = func(h rpc.Handler) rpc.Handler {
		return &faulty.Handler{Under: h, Share: delay.Fraction, Late: delay.By}
	}
	cmd := &cobra.Command{Use: "node", Hidden: true}
	expertNodeFlags(cmd, &c)
	delayFlags(configFlags{cmd.Flags()}, &delay)
	return runsRole(cmd, &c, &c.LogLevel, &c.Logger, role.RunExpertNode)
}

// withFailover measures in a data directory of its own.
func withFailover(cmd *cobra.Command, c failover.Config, measure func(failover.Config) error) error {
	if err := ownCluster(cmd, &c.Up, "hachi-failover"); err != nil {
		return err
	}
	defer os.RemoveAll(c.Up.DataDir)
	return measure(c)
}

// runDelay measures what late answers cost.
func runDelay(cmd *cobra.Command, c failover.Config, delay failover.Delay, out printer) error {
	report, err := failover.RunDelay(cmd.Context(), failover.DelayConfig{
		Up: c.Up, Delay: delay, NodeCommand: delayedNode[:], Streams: c.Streams, Tokens: c.Tokens, Repeat: c.Repeat,
		Progress: func(what string) { fmt.Fprintln(cmd.ErrOrStderr(), what) },
	})
	if err != nil {
		return err
	}
	return out.print(cmd, report)
}

// runFailover measures stalls.
func runFailover(cmd *cobra.Command, c failover.Config, figure string, out printer) error {
	c.Progress = func(done, all int, worst time.Duration) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d: longest stall %.1f ms\n", done, all, float64(worst)/float64(time.Millisecond))
	}
	report, err := failover.Run(cmd.Context(), c)
	if err != nil {
		return err
	}
	return out.printDrawn(cmd, report, figure)
}
