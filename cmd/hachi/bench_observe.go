package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/observe"
	"github.com/hachi-serve/hachi/internal/local"
)

func newBenchObserve() *cobra.Command {
	c := observe.Config{Up: local.DefaultUp()}
	c.Up.Nodes, c.Up.Listen, c.ListenBare = 2, "127.0.0.1:8091", "127.0.0.1:8092"
	var out printer
	cmd := &cobra.Command{
		Use:   "observe",
		Short: "measure what certificates, keys, metrics, traces and a console cost, in turns with none of them",
		Long: `observe starts two clusters on this machine. One has certificates, API keys, traces
of a part of its requests, a reader of its metrics and an open page of its console;
the other has none of them. Both write the same answers in turns.`,
		Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := ownCluster(cmd, &c.Up, "hachi-observe"); err != nil {
				return err
			}
			defer os.RemoveAll(c.Up.DataDir)
			c.Progress = func(round int, r observe.Report) {
				fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d: %.1f and %.1f tokens/s, %.1f %%\n", round+1, c.Rounds, r.BareRate, r.WatchedRate, 100*(1-r.Ratio))
			}
			report, err := observe.Run(cmd.Context(), c)
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
	f.text("listen", "listen", &c.Up.Listen, "HTTP listener of the cluster with everything on, HOST:PORT")
	f.text("listen-bare", "listen", &c.ListenBare, "HTTP listener of the other cluster, HOST:PORT")
	f.StringVar(&c.AdminListen, "admin-listen", "127.0.0.1:9091", "admin listener of the first cluster, HOST:PORT")
	f.IntVar(&c.Rounds, "rounds", 9, "turns of each")
	f.IntVar(&c.Load.Streams, "streams", 16, "requests at once")
	f.IntVar(&c.Load.Answers, "answers", 1, "answers of each stream in a round, one after another")
	f.IntVar(&c.Load.Prompt, "prompt", 16, "tokens of a prompt")
	f.IntVar(&c.Load.Answer, "answer", 256, "tokens of an answer")
	f.DurationVar(&c.Scrape, "scrape", 5*time.Second, "time between two readings of the metrics")
	f.Float64Var(&c.Ratio, "trace-ratio", 0.01, "share of requests that are traced, 0 to 1")
	out.register(cmd)
	return cmd
}
