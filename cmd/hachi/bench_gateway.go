package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/gateway"
	"github.com/hachi-serve/hachi/internal/local"
)

func newBenchGateway() *cobra.Command {
	c := gateway.Config{Up: local.DefaultUp()}
	c.Up.Nodes, c.Up.Listen = 2, "127.0.0.1:8088"
	var out printer
	cmd := &cobra.Command{
		Use:   "gateway",
		Short: "measure what a gateway costs, in turns with a bare router",
		Long: `gateway starts a cluster with one router and a gateway on this machine and asks
both in turns: one request after another for the time to first token, and the
same number of requests at once for the throughput.`,
		Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := ownCluster(cmd, &c.Up, "hachi-gateway"); err != nil {
				return err
			}
			defer os.RemoveAll(c.Up.DataDir)
			c.Progress = func(round int, r gateway.Report) {
				fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d: %.2f ms, %.1f %%\n", round+1, c.Rounds, r.Added, 100*(1-r.Ratio))
			}
			report, err := gateway.Run(cmd.Context(), c)
			if err != nil {
				return err
			}
			return out.print(cmd, report)
		},
	}
	f := configFlags{cmd.Flags()}
	logLevelFlag(f, &c.Up.LogLevel)
	benchModelFlags(f, &c.Up.Model)
	f.integer("nodes", "nodes", &c.Up.Nodes, "expert-node processes")
	threadsFlag(f, &c.Up.Model.Threads)
	f.text("listen", "listen", &c.Up.Listen, "HTTP listener of the gateway, HOST:PORT")
	f.IntVar(&c.Rounds, "rounds", 7, "turns of each")
	f.IntVar(&c.Singles, "singles", 20, "requests to each in a round, one after another")
	f.IntVar(&c.Streams, "streams", 64, "requests at once")
	f.IntVar(&c.Answers, "answers", 1, "answers of each stream in a round, one after another")
	f.IntVar(&c.Prompt, "prompt", 16, "tokens of a prompt")
	f.IntVar(&c.Answer, "answer", 64, "tokens of an answer")
	out.register(cmd)
	return cmd
}
